//! The report as one HTML file: no network, no script needed, legible on a phone, on paper and in the dark.
//!
//! `page` turns the report into sentences and table cells, the template beside this file lays them out.
//! Everything that comes from the scenario is escaped by the template engine.

mod answers;
mod page;
mod tables;

use minijinja::{Environment, Value, value::Serde};

use crate::{plots::Plot, report::Report};

const TEMPLATE: &str = include_str!("template.html");

/// The page, with these plots in this order.
pub fn render(report: &Report, plots: &[Plot]) -> String {
    let mut environment = Environment::new();
    // The name's ending turns escaping on.
    environment.add_template("report.html", TEMPLATE).expect("the template is valid");
    let template = environment.get_template("report.html").expect("the template was just added");
    let page = page::Page::new(report, plots);
    let context = minijinja::context! {
        page => Value::from(Serde(page)),
        data => Value::from_safe_string(page::data(report)),
    };
    template.render(context).expect("the template fits the page")
}

#[cfg(test)]
mod tests {
    use wavetank_sim_core::threshold::Threshold;

    use super::*;
    use crate::{
        plots::{self, Inputs, Settings},
        report::Meta,
        synthetic,
    };

    fn report(name: &str, thresholds: &[(&str, &str)]) -> Report {
        let shape = synthetic::Shape { nodes: 24, runs: 6, misses: true };
        let thresholds: Vec<_> =
            thresholds.iter().map(|(m, e)| Threshold::parse(m, e).expect("a threshold")).collect();
        let meta = Meta { name: name.into(), ..Meta::default() };
        Report::new(meta, synthetic::outcomes(shape), &thresholds)
    }

    fn rendered(report: &Report) -> String {
        render(report, &plots::all(&Inputs::new(report, Settings::default())))
    }

    #[test]
    fn the_page_needs_nothing_from_outside_and_is_the_same_each_time() {
        let report = report("zone-cut", &[]);
        let page = rendered(&report);
        for reference in ["src=", "href=\"http", "url(", "@import", "fetch("] {
            assert!(!page.contains(reference), "{reference}");
        }
        assert_eq!(page, rendered(&report));
        assert_eq!(page.matches("<figure").count(), page.matches("<svg").count());
    }

    #[test]
    fn names_cannot_break_out_of_text_or_data() {
        let page = rendered(&report("</script><script>alert(1)</script><b title=\"", &[]));
        assert!(!page.contains("<script>alert"));
        assert!(!page.contains("<b title"));
    }

    #[test]
    fn the_verdict_and_each_threshold_are_told_in_words_and_marks() {
        let thresholds = [("detection.first", "p(50) < 20s"), ("dissemination.t100", "max < 5s")];
        let page = rendered(&report("x", &thresholds));
        assert!(page.contains("1 of 2 thresholds does not hold"), "missing samples fail a maximum");
        assert_eq!(
            (page.matches("✓").count(), page.matches("✗").count()),
            (1, 2),
            "a mark each, one for all"
        );
        let page = rendered(&report("x", &thresholds[..1]));
        assert!(page.contains("The threshold holds"));
    }
}
