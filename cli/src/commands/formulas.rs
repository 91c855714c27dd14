//! `wavetank formulas`: what follows from settings and size without any simulation. It answers at once.
//!
//! Every figure is a row with a key, words, a value and where it comes from; text, Markdown and JSON are
//! three ways to show the same rows.

mod rows;

use std::fmt::Write;

use serde_json::{Map, Value, json};
use wavetank::{Overrides, Scenario, scenarios::presets};

use crate::{
    args,
    exit::{Exit, Failure},
    screen::Screen,
};

use rows::{Section, Sizes};

/// What follows from settings and size by formula: limits, timers, packets, load
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  wavetank formulas --nodes 200
  wavetank formulas --preset consul-wan --nodes 12
  wavetank formulas --nodes 1000 --set cluster.config.retransmit_mult=2
  wavetank formulas --set network.loss=5%      for the old closed-form curve

What these formulas leave out (latency, queues, retries, chance) is what `wavetank run` is for.")]
pub struct Args {
    /// Settings of a product or profile
    #[arg(long, value_name = "NAME", default_value = "memberlist-lan", value_parser = args::preset())]
    preset: String,
    /// Number of nodes
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    nodes: u32,
    /// Set a key of a scenario, such as cluster.config.gossip_interval=500ms
    #[arg(long, value_name = "PATH=VALUE", value_parser = args::set)]
    set: Vec<(String, String)>,
    /// Length of a node's name, for sizes of messages
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=512))]
    name_bytes: u16,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

/// Formats of this command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For a terminal
    Text,
    /// One object; times are nanoseconds
    Json,
    /// Tables
    Markdown,
}

pub fn perform(args: &Args, screen: &Screen) -> Result<Exit, Failure> {
    let text = format!(
        "version: 1\nname: formulas\nduration: 1s\ncluster: {{preset: {}, nodes: {}}}\n",
        args.preset, args.nodes
    );
    let overrides = Overrides { set: args.set.clone(), ..Overrides::default() };
    let checked = Scenario::raw("formulas", &text).with_overrides(overrides).check()?;
    let sections = rows::sections(&checked.plan, u32::from(args.name_bytes));
    let sizes = rows::sizes(&checked.plan);
    let nodes = checked.plan.cluster.slots();
    screen.print(&match args.format {
        Form::Text => as_text(args, nodes, &sections, &sizes, screen),
        Form::Markdown => as_markdown(args, nodes, &sections, &sizes),
        Form::Json => as_json(args, nodes, &sections, &sizes),
    })?;
    Ok(Exit::Passed)
}

/// Settings that differ from the preset, as they were given.
fn changes(args: &Args) -> String {
    args.set.iter().fold(String::new(), |out, (k, v)| format!("{out}, {k}={v}"))
}

fn as_text(
    args: &Args,
    nodes: u32,
    sections: &[Section],
    sizes: &Sizes,
    screen: &Screen,
) -> String {
    let plural = if nodes == 1 { "node" } else { "nodes" };
    let title = format!("{}, {nodes} {plural}{}", args.preset, changes(args));
    let mut out = format!("{}\n", screen.style("1", &title));
    if let Some(preset) = presets::get(&args.preset) {
        let _ = writeln!(out, "{}", preset.description);
    }
    let all = || sections.iter().flat_map(|s| &s.rows);
    let label = all().map(|r| r.label.chars().count()).max().unwrap_or(0);
    let value = all().map(|r| r.text.chars().count()).max().unwrap_or(0);
    for section in sections {
        let _ = writeln!(out, "\n{}", screen.style("1", section.title));
        for row in &section.rows {
            let why = screen.style("2", &row.formula);
            let line = format!("  {:<label$}  {:>value$}  {why}", row.label, row.text);
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    let _ = writeln!(out, "\n{}", screen.style("1", "THE SAME SETTINGS AT OTHER SIZES"));
    let widths: Vec<usize> = (0..sizes.header.len())
        .map(|i| {
            let cells = sizes.rows.iter().map(|r| r[i].chars().count());
            cells.chain([sizes.header[i].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, &w)| format!("{cell:>w$}"));
        format!("  {}", cells.collect::<Vec<_>>().join("  "))
    };
    let header: Vec<String> = sizes.header.iter().map(|h| (*h).to_owned()).collect();
    let _ = writeln!(out, "{}", screen.style("2", &line(&header)));
    for row in &sizes.rows {
        let _ = writeln!(out, "{}", line(row));
    }
    out
}

fn as_markdown(args: &Args, nodes: u32, sections: &[Section], sizes: &Sizes) -> String {
    let mut out = format!("# {}, {nodes} nodes{}\n", args.preset, changes(args));
    for section in sections {
        let _ = write!(
            out,
            "\n## {}\n\n| figure | value | from |\n|---|---:|---|\n",
            section.heading()
        );
        for row in &section.rows {
            let _ = writeln!(out, "| {} | {} | {} |", row.label, row.text, row.formula);
        }
    }
    let rule = "---:|".repeat(sizes.header.len());
    let _ = write!(
        out,
        "\n## The same settings at other sizes\n\n| {} |\n|{rule}\n",
        sizes.header.join(" | ")
    );
    for row in &sizes.rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

fn as_json(args: &Args, nodes: u32, sections: &[Section], sizes: &Sizes) -> String {
    let mut object = Map::new();
    object.insert("preset".to_owned(), json!(args.preset));
    object.insert("nodes".to_owned(), json!(nodes));
    for row in sections.iter().flat_map(|s| &s.rows) {
        object.insert(row.key.to_owned(), row.value.clone());
    }
    object.insert("sizes".to_owned(), Value::Array(sizes.values.clone()));
    format!("{:#}\n", Value::Object(object))
}
