//! Grafana's dashboard, which the chart puts into a `ConfigMap`: a panel that asks for a metric that there
//! is not stays empty, and nothing says so. Each expression is held against `docs/metrics.md`, each label
//! of a legend against what the expression has, and the panels against one another.

use crate::alerts::Metrics;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// Its key in the `ConfigMap`.
pub const FILE: &str = "lapwing-agents.json";
/// How wide a dashboard is.
const WIDTH: u64 = 24;

/// What is wrong with a dashboard.
pub fn check(text: &str, metrics: &Metrics) -> Result<()> {
    let dashboard: Value = serde_json::from_str(text).context("it is no JSON")?;
    let variables: HashSet<&str> = { dashboard["templating"]["list"].as_array() }
        .context("no variables")?
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    let panels = dashboard["panels"].as_array().context("no panels")?;
    ensure!(!panels.is_empty(), "it has no panels");
    let (mut ids, mut taken) = (HashSet::new(), BTreeSet::new());
    for panel in panels {
        let title = panel["title"].as_str().context("a panel without a title")?;
        check_panel(panel, metrics, &variables).with_context(|| title.to_owned())?;
        let id = panel["id"].as_u64();
        ensure!(
            id.is_some() && ids.insert(id),
            "{title}: its id is another's"
        );
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64());
        let place = x.zip(y).zip(w.zip(h));
        let ((x, y), (w, h)) = place.with_context(|| format!("{title}: it has no place"))?;
        ensure!(x + w <= WIDTH, "{title}: it is beyond the edge");
        for cell in (y..y + h).flat_map(|y| (x..x + w).map(move |x| (y, x))) {
            ensure!(taken.insert(cell), "{title}: it lies on another");
        }
    }
    Ok(())
}

fn check_panel(panel: &Value, metrics: &Metrics, variables: &HashSet<&str>) -> Result<()> {
    if panel["type"] == "row" {
        return Ok(());
    }
    let words = panel["description"].as_str().unwrap_or_default();
    ensure!(words.ends_with('.'), "nothing says what it shows");
    let targets = panel["targets"].as_array().context("it asks for nothing")?;
    ensure!(!targets.is_empty(), "it asks for nothing");
    for target in targets {
        let expression = target["expr"].as_str().context("no expression")?;
        for name in expression.split("\"$").skip(1) {
            let (name, _) = name.split_once('"').context("an open quote")?;
            ensure!(variables.contains(name), "there is no variable `{name}`");
        }
        let labels = metrics.check(expression).context(expression.to_owned())?;
        let legend = target["legendFormat"].as_str().context("no legend")?;
        for part in legend.split("{{").skip(1) {
            let (label, _) = part.split_once("}}").context("an open template")?;
            ensure!(labels.contains(label), "it will have no label `{label}`");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn dashboard(change: impl FnOnce(&mut Value)) -> String {
        let panel = |id: u64, x: u64| {
            json!({
                "id": id, "type": "timeseries", "title": format!("p{id}"), "description": "It is.",
                "gridPos": {"x": x, "y": 1, "w": 12, "h": 8},
                "targets": [{"expr": "sum by (k) (rate(a_total{node=~\"$node\"}[$__rate_interval]))", "legendFormat": "{{k}}"}],
            })
        };
        let row = json!({"id": 1, "type": "row", "title": "r", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}});
        let mut object = json!({
            "templating": {"list": [{"name": "node"}]},
            "panels": [row, panel(2, 0), panel(3, 12)],
        });
        change(&mut object);
        object.to_string()
    }

    #[test]
    fn each_panel_asks_for_what_there_is() {
        let table = "| name | type | labels | meaning | alert on |\n|---|---|---|---|---|\n\
                     | `a_total` | counter | `k` | A. | |\n";
        let metrics = Metrics::parse(table).unwrap();
        check(&dashboard(|_| ()), &metrics).unwrap();
        type Change = fn(&mut Value);
        let changes: [(Change, &str); 9] = [
            (|it| it["panels"] = json!([]), "no panels"),
            (|it| it["panels"][2]["id"] = 2.into(), "id is another's"),
            (|it| it["panels"][2]["gridPos"]["x"] = 11.into(), "lies on"),
            (|it| it["panels"][2]["gridPos"]["w"] = 13.into(), "edge"),
            (
                |it| it["panels"][1]["description"] = "".into(),
                "nothing says",
            ),
            (
                |it| it["panels"][1]["targets"] = json!([]),
                "asks for nothing",
            ),
            (
                |it| it["panels"][1]["targets"][0]["expr"] = "sum(gone)".into(),
                "no metric `gone`",
            ),
            (
                |it| it["panels"][1]["targets"][0]["legendFormat"] = "{{x}}".into(),
                "no label `x`",
            ),
            (
                |it| it["templating"]["list"][0]["name"] = "host".into(),
                "no variable `node`",
            ),
        ];
        for (change, why) in changes {
            let told = format!("{:#}", check(&dashboard(change), &metrics).unwrap_err());
            assert!(told.contains(why), "{why}: {told}");
        }
    }
}
