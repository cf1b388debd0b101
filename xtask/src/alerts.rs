//! What the chart makes for the Prometheus Operator: `PodMonitor` and `PrometheusRule`.
//!
//! The package of schemas has none for these, so that they are held against the part of their form that
//! the chart uses, and nothing beside it. What an expression asks for is held against
//! `docs/metrics.md`, which is made of the agent's own table: an alert on a metric that there is not
//! never fires, and nothing says so.

use crate::root;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::fs;

/// Their group.
pub const GROUP: &str = "monitoring.coreos.com/";
/// Labels that Prometheus, or the `PodMonitor`, gives to all that it reads of an agent.
const OF_TARGET: &[&str] = &["container", "instance", "job", "namespace", "node", "pod"];
/// What Prometheus itself says of what it reads.
const OF_PROMETHEUS: &[&str] = &["up"];
const FUNCTIONS: &[&str] = &["absent", "count", "deriv", "increase", "max", "rate", "sum"];
/// Functions without which a counter says nothing.
const OF_COUNTERS: &[&str] = &["increase", "rate"];
const OPERATORS: &[&str] = &["and", "or", "unless"];
const GROUPINGS: &[&str] = &["by", "without"];
/// What may stand behind a counter that is taken as it is: that it rose at all since a start which is not
/// long ago. By itself it would be an alert that never ends.
const ROSE: [&str; 5] = [">", "0", "and", "on", "("];
const SINCE_START: [&str; 6] = ["process_start_time_seconds", ">", "time", "(", ")", "-"];

/// A metric of the table.
struct Metric {
    is_counter: bool,
    labels: Vec<String>,
}

/// The table of metrics.
pub struct Metrics(BTreeMap<String, Metric>);

impl Metrics {
    /// From the documentation.
    pub fn read() -> Result<Self> {
        let path = root().join("docs/metrics.md");
        let text = fs::read_to_string(&path).context("no docs/metrics.md")?;
        Self::parse(&text)
    }

    pub fn parse(text: &str) -> Result<Self> {
        let rows = text
            .lines()
            .skip_while(|line| !line.starts_with("| name | type | labels |"));
        let mut metrics = BTreeMap::new();
        for row in rows.skip(2) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [_, name, kind, labels, ..] = cells[..] else {
                bail!("no row of a table: {row}");
            };
            let bare = |text: &str| text.trim_matches('`').to_owned();
            let labels = labels.split(", ").filter(|label| !label.is_empty());
            let metric = Metric {
                is_counter: kind == "counter",
                labels: labels.map(bare).collect(),
            };
            ensure!(
                metrics.insert(bare(name), metric).is_none(),
                "{name} stands twice"
            );
        }
        ensure!(!metrics.is_empty(), "docs/metrics.md has no table");
        Ok(Self(metrics))
    }

    /// What an expression says, as far as it goes: that there are its metrics, with the labels that it
    /// asks for, and that counters are taken as rates. Answers with the labels that it may have.
    pub fn check(&self, expression: &str) -> Result<HashSet<String>> {
        let tokens = tokens(expression)?;
        let mut known: HashSet<String> = OF_TARGET.iter().map(|&it| it.to_owned()).collect();
        let mut metrics = 0;
        let mut function = "";
        let mut is_absence = false;
        let mut grouped: Vec<&str> = Vec::new();
        let mut rest = tokens.iter().map(String::as_str).peekable();
        while let Some(token) = rest.next() {
            if !is_word(token) || OPERATORS.contains(&token) {
                continue;
            }
            if GROUPINGS.contains(&token) {
                ensure!(rest.next() == Some("("), "no labels behind {token}");
                let labels = rest.by_ref().take_while(|&token| token != ")");
                grouped.extend(labels.filter(|&token| token != ","));
            } else if token == "on" {
                ensure!(rest.next() == Some("("), "no labels behind {token}");
                let labels = rest.by_ref().take_while(|&token| token != ")");
                for label in labels.filter(|&token| token != ",") {
                    ensure!(
                        OF_TARGET.contains(&label),
                        "not everything has the label `{label}`"
                    );
                }
            } else if token == "time" {
                ensure!(
                    rest.next() == Some("(") && rest.next() == Some(")"),
                    "time() of what?"
                );
            } else if FUNCTIONS.contains(&token) {
                function = token;
                is_absence |= token == "absent";
            } else if rest.peek() == Some(&"(") {
                bail!("`{token}` is a function that nobody looked at");
            } else {
                metrics += 1;
                let metric = self.0.get(token);
                ensure!(
                    metric.is_some() || OF_PROMETHEUS.contains(&token),
                    "there is no metric `{token}`"
                );
                let own = metric.map_or(&[][..], |metric| &metric.labels);
                known.extend(own.iter().cloned());
                let is_rate = OF_COUNTERS.contains(&function);
                ensure!(
                    metric.is_none_or(|metric| metric.is_counter) || !is_rate,
                    "{function}() of the gauge `{token}`"
                );
                function = "";
                if rest.peek() == Some(&"{") {
                    let matchers: Vec<&str> = rest.by_ref().take_while(|&it| it != "}").collect();
                    for label in matchers.iter().filter(|token| is_word(token)) {
                        ensure!(
                            own.iter().any(|it| it == label) || OF_TARGET.contains(label),
                            "`{token}` has no label `{label}`"
                        );
                    }
                }
                ensure!(
                    metric.is_none_or(|metric| !metric.is_counter)
                        || is_rate
                        || rose_since_start(rest.clone()),
                    "the counter `{token}` is taken as it is: it wants rate() or increase()"
                );
            }
        }
        ensure!(metrics > 0, "it asks for nothing");
        if is_absence {
            ensure!(metrics == 1, "absent() and something besides");
            // Of what is not there nothing is known.
            return Ok(HashSet::new());
        }
        for label in &grouped {
            ensure!(known.contains(*label), "nothing has the label `{label}`");
        }
        Ok(match grouped.is_empty() {
            true => known,
            false => grouped.iter().map(|&label| label.to_owned()).collect(),
        })
    }

    /// What is wrong with an object of the operator's.
    pub fn check_object(&self, object: &Value) -> Result<()> {
        let kind = object["kind"].as_str().context("no kind")?;
        let schema = match kind {
            "PodMonitor" => object_of(&pod_monitor(), kind),
            "PrometheusRule" => object_of(&prometheus_rule(), kind),
            other => bail!("nobody knows the form of a {other}"),
        };
        let validator = jsonschema::draft202012::new(&schema).context("a schema")?;
        let errors: Vec<String> = validator
            .iter_errors(object)
            .map(|error| format!("  {}: {error}", error.instance_path()))
            .collect();
        ensure!(
            errors.is_empty(),
            "{kind} is not what the operator takes:\n{}",
            errors.join("\n")
        );
        let mut names = HashSet::new();
        let groups = object["spec"]["groups"].as_array();
        for rule in groups
            .into_iter()
            .flatten()
            .filter_map(|it| it["rules"].as_array())
            .flatten()
        {
            let name = rule["alert"].as_str().context("no name")?;
            ensure!(names.insert(name), "{name} stands twice");
            self.check_rule(rule).with_context(|| name.to_owned())?;
        }
        Ok(())
    }

    fn check_rule(&self, rule: &Value) -> Result<()> {
        let labels = self.check(rule["expr"].as_str().context("no expression")?)?;
        for text in rule["annotations"]
            .as_object()
            .context("no words")?
            .values()
        {
            let text = text.as_str().context("no text")?;
            for part in text.split("{{").skip(1) {
                let (inner, _) = part.split_once("}}").context("an open template")?;
                let label = inner.trim().strip_prefix("$labels.");
                let label = label.with_context(|| format!("`{inner}` is no label"))?;
                ensure!(labels.contains(label), "it will have no label `{label}`");
            }
        }
        Ok(())
    }
}

/// Whether [`ROSE`] and [`SINCE_START`] come next.
fn rose_since_start<'t>(mut rest: impl Iterator<Item = &'t str>) -> bool {
    rest.by_ref().take(ROSE.len()).eq(ROSE)
        && rest.any(|token| token == ")")
        && rest.take(SINCE_START.len()).eq(SINCE_START)
}

fn is_word(token: &str) -> bool {
    token.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
}

/// Words, signs and numbers; without ranges and quoted texts.
fn tokens(expression: &str) -> Result<Vec<String>> {
    let mut tokens = Vec::new();
    let mut rest = expression;
    while let Some(letter) = rest.chars().next() {
        let until = |end: fn(char) -> bool| rest.find(end).unwrap_or(rest.len());
        let length = match letter {
            '"' => 2 + rest[1..].find('"').context("an open quote")?,
            '[' => 1 + rest.find(']').context("an open range")?,
            '0'..='9' => {
                let length = until(|letter| !letter.is_ascii_digit() && letter != '.');
                tokens.push(rest[..length].to_owned());
                length
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = until(|letter| !letter.is_ascii_alphanumeric() && letter != '_');
                tokens.push(rest[..length].to_owned());
                length
            }
            ' ' => 1,
            '(' | ')' | '{' | '}' | ',' | '=' | '!' | '~' | '<' | '>' | '+' | '-' | '*' | '/' => {
                tokens.push(letter.to_string());
                1
            }
            other => bail!("{other:?} is nothing that is looked for in an expression"),
        };
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn strict(required: &[&str], properties: &Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn texts() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

fn text(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

const DURATION: &str = "^[1-9][0-9]*(s|m|h)$";

fn object_of(spec: &Value, kind: &str) -> Value {
    let name = text("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");
    let metadata = json!({"name": name, "namespace": name, "labels": texts()});
    strict(
        &["apiVersion", "kind", "metadata", "spec"],
        &json!({
            "apiVersion": {"const": format!("{GROUP}v1")},
            "kind": {"const": kind},
            "metadata": strict(&["name", "namespace", "labels"], &metadata),
            "spec": spec,
        }),
    )
}

fn pod_monitor() -> Value {
    let relabeling = json!({
        "sourceLabels": {"type": "array", "items": text("^[a-zA-Z_][a-zA-Z0-9_]*$")},
        "targetLabel": text("^[a-zA-Z_][a-zA-Z0-9_]*$"),
    });
    let endpoint = json!({
        "port": {"const": "http"},
        "path": {"const": "/metrics"},
        "interval": text(DURATION),
        "relabelings": {"type": "array", "items": strict(&["sourceLabels", "targetLabel"], &relabeling)},
    });
    let endpoints =
        json!({"type": "array", "minItems": 1, "items": strict(&["port", "interval"], &endpoint)});
    let selector = strict(&["matchLabels"], &json!({"matchLabels": texts()}));
    strict(
        &["selector", "podMetricsEndpoints"],
        &json!({"selector": selector, "podMetricsEndpoints": endpoints}),
    )
}

fn prometheus_rule() -> Value {
    let words = text("^[^\\n]+[.]$");
    let rule = json!({
        "alert": text("^Lapwing[A-Za-z]+$"),
        "expr": text("."),
        "for": text(DURATION),
        "labels": strict(&["severity"], &json!({"severity": {"enum": ["info", "warning", "critical"]}})),
        "annotations": strict(&["summary", "description"], &json!({"summary": words, "description": words})),
    });
    let rules = json!({
        "type": "array", "minItems": 1,
        "items": strict(&["alert", "expr", "labels", "annotations"], &rule),
    });
    let group = strict(
        &["name", "rules"],
        &json!({"name": text("^[a-z-]+$"), "rules": rules}),
    );
    strict(
        &["groups"],
        &json!({"groups": {"type": "array", "minItems": 1, "items": group}}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        let table = "# Metrics\n\n| name | type | labels | meaning | alert on |\n|---|---|---|---|---|\n\
                     | `a_total` | counter | `x`, `y` | A. | |\n| `b` | gauge | | B. | 0 |\n\
                     | `process_start_time_seconds` | gauge | | S. | |\n";
        Metrics::parse(table).unwrap()
    }

    #[test]
    fn expressions_are_held_against_the_table() {
        let metrics = metrics();
        for right in [
            "b == 0",
            "up{job=\"c/d\"} == 0",
            "rate(a_total{x=\"p{q}\"}[5m]) > 0.5",
            "sum by (node, x) (increase(a_total[1h])) > 0 and deriv(b[15m]) > 0",
            "absent(up{job=\"c/d\"})",
            "a_total{x=\"1\"} > 0 and on (job, instance) process_start_time_seconds > time() - 900",
        ] {
            metrics.check(right).unwrap();
        }
        for (wrong, why) in [
            ("c == 0", "no metric `c`"),
            ("b == 0 and bb > 1", "no metric `bb`"),
            ("rate(a_total{z=\"1\"}[5m]) > 0", "no label `z`"),
            ("a_total > 0", "counter `a_total`"),
            (
                "a_total > 0 and on (job) b > time() - 900",
                "counter `a_total`",
            ),
            (
                "a_total > 1 and on (job) process_start_time_seconds > time() - 900",
                "counter `a_total`",
            ),
            ("b > 0 and on (x) b > 1", "the label `x`"),
            ("b > time(b)", "time()"),
            ("absent(c)", "no metric `c`"),
            ("absent(up) and b > 0", "besides"),
            ("sum(a_total) > 0", "counter `a_total`"),
            ("rate(b[5m]) > 0", "gauge `b`"),
            ("sum by (z) (b) > 0", "the label `z`"),
            ("quantile(b) > 0", "`quantile`"),
            ("1 > 0", "nothing"),
            ("b{x=\"} > 0", "open quote"),
            ("b[5m > 0", "open range"),
            ("b > $x", "'$'"),
        ] {
            let told = format!("{:#}", metrics.check(wrong).unwrap_err());
            assert!(told.contains(why), "{wrong}: {told}");
        }
    }

    fn rule(change: impl FnOnce(&mut Value)) -> Value {
        let mut object = json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
            "metadata": {"name": "a", "namespace": "b", "labels": {}},
            "spec": {"groups": [{"name": "g", "rules": [{
                "alert": "LapwingX", "expr": "sum by (node) (rate(a_total[5m])) > 0", "for": "5m",
                "labels": {"severity": "info"},
                "annotations": {"summary": "Of {{ $labels.node }}.", "description": "It is."},
            }]}]},
        });
        change(&mut object);
        object
    }

    #[test]
    fn objects_have_the_form_of_the_operator_s() {
        let metrics = metrics();
        metrics.check_object(&rule(|_| ())).unwrap();
        fn first(object: &mut Value) -> &mut Value {
            &mut object["spec"]["groups"][0]["rules"][0]
        }
        type Change = fn(&mut Value);
        let changes: [(Change, &str); 8] = [
            (|it| it["kind"] = "Probe".into(), "Probe"),
            (|it| it["spec"]["group"] = json!([]), "group"),
            (|it| first(it)["for"] = "5 minutes".into(), "for"),
            (
                |it| first(it)["labels"]["severity"] = "bad".into(),
                "severity",
            ),
            (|it| first(it)["expr"] = "gone == 0".into(), "`gone`"),
            (
                |it| first(it)["annotations"]["summary"] = "Of {{ $labels.x }}.".into(),
                "no label `x`",
            ),
            // The words are of a node, and there is none.
            (
                |it| first(it)["expr"] = "absent(up)".into(),
                "no label `node`",
            ),
            (
                |it| {
                    let rule = first(it).clone();
                    let rules = it["spec"]["groups"][0]["rules"].as_array_mut();
                    rules.unwrap().push(rule);
                },
                "twice",
            ),
        ];
        for (change, why) in changes {
            let told = format!("{:#}", metrics.check_object(&rule(change)).unwrap_err());
            assert!(told.contains(why), "{why}: {told}");
        }
    }

    #[test]
    fn the_table_is_read_as_it_is_committed() {
        let metrics = Metrics::read().unwrap();
        let lost = &metrics.0["lapwing_lost_total"];
        assert!(lost.is_counter && lost.labels == ["stage", "reason", "hides"]);
        assert!(metrics.0["lapwing_ready"].labels.is_empty());
    }
}
