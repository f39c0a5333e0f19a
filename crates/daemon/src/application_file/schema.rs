//! What may stand in an application file, as a JSON schema: for editors, and for programs that write such files.
//!
//! It is made of the same definitions that a file is checked with: `keys.rs` for options, the lists of keys in `reader.rs`
//! and `services.rs`.

use clap::Command;
use serde_json::{Map, Value, json};

use super::keys::{Key, Takes, keys};
use super::program::Linked;
use super::reader::{BACKOFF, LIMITS, STRATEGIES, SUPERVISION, Settings, TOP, settings};
use super::services::{OF_A_PARENT, OF_A_SERVICE, RESTARTS};
use crate::service_maker::ServiceMaker;

/// The dialect of the schema.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of the files that this program takes, as text.
pub(crate) fn schema(linked: &Linked) -> String {
    let schema = json!({
        "$schema": DIALECT,
        "title": format!("An application of {}", linked.program),
        "type": "object",
        "additionalProperties": false,
        "required": ["services"],
        "properties": properties(TOP, |key| top(key, &linked.command)),
        "$defs": definitions(linked),
    });
    let mut text = format!("{schema:#}");
    text.push('\n');
    text
}

fn properties<'a>(names: impl IntoIterator<Item = &'a str>, value: impl Fn(&str) -> Value) -> Value {
    Value::Object(names.into_iter().map(|name| (name.to_owned(), value(name))).collect())
}

fn top(key: &str, command: &Command) -> Value {
    match key {
        "name" => json!({
            "type": "string", "minLength": 1,
            "description": "What the application is called; the file's name without its ending, if this is not said",
        }),
        "services" => reference("services", "The services, in the order in which they are started"),
        "runner" => settings_of(
            command,
            Settings::Runner,
            "Settings of the runner: its long options. The command line wins",
        ),
        "log" => settings_of(
            command,
            Settings::Log,
            "Settings of the log: the runner's long options. The command line wins",
        ),
        other => of_a_parent(other),
    }
}

fn of_a_parent(key: &str) -> Value {
    match key {
        "services" => {
            reference("services", "The services below this one, in the order in which they are started")
        }
        "supervision" => reference("supervision", "What happens when one of its services ends by itself"),
        "stop-together" => json!({
            "type": "boolean", "default": false,
            "description": "Whether its services are stopped together, and not one after the other in reverse",
        }),
        other => of_a_service(other),
    }
}

fn of_a_service(key: &str) -> Value {
    match key {
        "restart" => json!({
            "enum": RESTARTS.map(|(name, _)| name),
            "description": "Which ends are followed by a new start: every end, failures, none",
        }),
        "limits" => reference("limits", "How long its steps may take"),
        _ => json!({}),
    }
}

fn reference(definition: &str, description: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}"), "description": description })
}

fn settings_of(command: &Command, which: Settings, description: &str) -> Value {
    let settings = settings(command);
    let keys = settings.iter().filter(|(_, place)| *place == which).map(|(key, _)| key);
    let keys = keys.filter(|key| !key.arg.is_hide_set()); // a hidden one is refused, whatever its value
    let properties: Map<String, Value> = keys.map(|key| (key.name.clone(), of_an_option(key))).collect();
    json!({
        "type": "object", "additionalProperties": false, "description": description, "properties": properties,
    })
}

fn definitions(linked: &Linked) -> Value {
    let mut definitions = Map::new();
    let mut kinds = vec![json!({ "$ref": "#/$defs/parent" })];
    for plugin in &linked.plugins {
        let name = format!("plugin-{}", plugin.name());
        kinds.push(json!({ "$ref": format!("#/$defs/{name}") }));
        definitions.insert(name, of_a_plugin(plugin.as_ref()));
    }
    let words = json!({
        "duration": {
            "type": ["number", "string"], "minimum": 0,
            "description": "Seconds, or a number with a unit: ms, s, m, h, d",
        },
        "services": {
            "type": "object", "minProperties": 1,
            "propertyNames": { "pattern": "^[^/\\u0000-\\u001f]+$" },
            "additionalProperties": { "$ref": "#/$defs/service" },
        },
        "service": { "type": "object", "oneOf": kinds },
        "parent": {
            "type": "object", "additionalProperties": false, "required": ["services"],
            "description": "A service that consists of others",
            "properties": properties(OF_A_PARENT, of_a_parent),
        },
        "supervision": {
            "type": "object", "additionalProperties": false,
            "properties": properties(SUPERVISION, of_supervision),
        },
        "limits": {
            "type": "object", "additionalProperties": false,
            "properties": properties(LIMITS, |key| {
                reference("duration", &format!("How long a {key} may take"))
            }),
        },
    });
    if let Value::Object(words) = words {
        definitions.extend(words);
    }
    Value::Object(definitions)
}

fn of_supervision(key: &str) -> Value {
    match key {
        "strategy" => json!({
            "enum": STRATEGIES.map(|(name, _)| name), "default": "one-for-one",
            "description": "Who is started again with it: nobody else, all, those after it",
        }),
        "restarts-max" => json!({
            "type": "integer", "minimum": 0, "maximum": u32::MAX,
            "default": sestina_service::RESTARTS_MAX,
            "description": "How many restarts within the period are taken for bad luck",
        }),
        "period" => reference("duration", "The time over which restarts are counted"),
        _ => json!({
            "type": "object", "additionalProperties": false, "description": "The pauses before restarts",
            "properties": properties(BACKOFF, |key| match key {
                "jitter-percent" => json!({
                    "type": "integer", "minimum": 0, "maximum": 100,
                    "default": sestina_service::BACKOFF_JITTER_PERCENT,
                    "description": "How much of a pause is left to chance",
                }),
                "first" => reference("duration", "The first pause"),
                _ => reference("duration", "The longest pause"),
            }),
        }),
    }
}

/// A service of this plugin. Its options stand beside the keys of every service; those of the same name below `options`.
fn of_a_plugin(plugin: &dyn ServiceMaker) -> Value {
    let keys = keys(&plugin.command());
    let options: Map<String, Value> = keys.iter().map(|key| (key.name.clone(), of_an_option(key))).collect();
    let mut properties = options.clone();
    for key in OF_A_SERVICE {
        properties.insert(key.to_owned(), of_a_service(key));
    }
    properties.insert("plugin".to_owned(), json!({ "const": plugin.name() }));
    let options = json!({
        "type": "object", "additionalProperties": false, "properties": options,
        "description": "Options of the plugin, in the place of keys beside this one",
    });
    properties.insert("options".to_owned(), options);
    let mut needed = vec![json!({ "required": ["plugin"] })];
    let required = keys.iter().filter(|key| key.arg.is_required_set());
    needed.extend(required.map(|key| {
        let below = json!({
            "required": ["options"],
            "properties": { "options": { "required": [key.name] } },
        });
        match OF_A_SERVICE.contains(&key.name.as_str()) {
            true => below,
            false => json!({ "anyOf": [{ "required": [key.name] }, below] }),
        }
    }));
    json!({
        "type": "object", "additionalProperties": false, "description": plugin.description(),
        "properties": properties, "allOf": needed,
    })
}

fn of_an_option(key: &Key) -> Value {
    let mut one = match &key.takes {
        Takes::Switch | Takes::Truth => json!({ "type": "boolean" }),
        Takes::Count => json!({ "type": "integer", "minimum": 0 }),
        Takes::Integer { least, most } => {
            let mut schema = json!({ "type": ["integer", "string"] });
            if let (Ok(least), Ok(most)) = (i64::try_from(*least), u64::try_from(*most)) {
                schema["minimum"] = json!(least);
                schema["maximum"] = json!(most);
            }
            schema
        }
        Takes::Number => json!({ "type": ["number", "string"] }),
        Takes::Duration => json!({ "$ref": "#/$defs/duration" }),
        Takes::Path => json!({ "type": "string" }),
        Takes::Choice(choices) => json!({ "enum": choices }),
        Takes::Text => json!({ "type": ["string", "number"] }),
    };
    if key.many {
        one = json!({ "anyOf": [one, { "type": "array", "items": one }] });
    }
    if let Some(help) = key.arg.get_help() {
        one["description"] = json!(help.to_string());
    }
    let defaults = key.arg.get_default_values();
    if let ([default], false) = (defaults, key.takes == Takes::Switch)
        && let Some(default) = default.to_str()
    {
        one["default"] = match (&key.takes, default.parse::<i64>()) {
            (Takes::Integer { .. } | Takes::Count | Takes::Duration, Ok(number)) => json!(number),
            _ => json!(default),
        };
    }
    one
}
