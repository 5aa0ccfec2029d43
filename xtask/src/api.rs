//! `cargo xtask api`: the reference of the API in the book, made of `openapi.json`.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::root;

const HEAD: &str = "\
# The API

This page is made of [openapi.json](../openapi.json), which a node serves at `/api/openapi.json`; a test holds both to the
server. Partners exchange intelligence over TAXII 2.1 at `/taxii2/`, which is a standard and not described here.

Who calls shows a token (`Authorization: Bearer`, or as the password of `Basic`), a client certificate, or the cookie of a
session; who runs the node can call through the socket in its data folder without any. A session that changes something
repeats `csrf` of `/api/session` in `X-CSRF-Token`. Errors are problem documents (RFC 9457). Every answer has an
`X-Request-Id`, which stands in the node's log, too. Who asks too often is told so with 429 and `Retry-After`.
";

/// Writes the page.
pub(crate) fn write() -> Result<()> {
    let path = root().join("docs/api.md");
    fs::write(&path, page()?).with_context(|| format!("cannot write {}", path.display()))
}

/// Whether the page is as the description says.
pub(crate) fn check() -> Result<()> {
    let found = fs::read_to_string(root().join("docs/api.md")).unwrap_or_default();
    if found != page()? {
        bail!("docs/api.md is not what openapi.json says: run `cargo xtask api`");
    }
    Ok(())
}

fn page() -> Result<String> {
    let text = fs::read_to_string(root().join("openapi.json")).context("cannot read openapi.json")?;
    let api: Value = serde_json::from_str(&text).context("openapi.json")?;
    let mut page = HEAD.to_owned();
    for tag in list(&api["tags"]) {
        let name = text_of(&tag["name"]);
        let mut title = name.to_owned();
        title[..1].make_ascii_uppercase();
        write!(page, "\n## {title}\n\n{}.\n", text_of(&tag["description"]))?;
        for (path, methods) in members(&api["paths"]) {
            for (method, operation) in members(methods) {
                if list(&operation["tags"]).any(|one| one == name) {
                    describe(&mut page, &api, &method.to_uppercase(), path, operation)?;
                }
            }
        }
    }
    Ok(page)
}

fn describe(page: &mut String, api: &Value, method: &str, path: &str, operation: &Value) -> Result<()> {
    write!(
        page,
        "\n### `{method} {path}`\n\n{}.",
        text_of(&operation["summary"])
    )?;
    let more = text_of(&operation["description"]);
    if !more.is_empty() {
        write!(page, " {}", one_line(more))?;
    }
    page.push('\n');
    let mut rows = Vec::new();
    for parameter in list(&operation["parameters"]) {
        if parameter["in"] == "query" {
            let name = text_of(&parameter["name"]);
            rows.push((
                format!("`?{name}`"),
                text_of(&parameter["description"]),
                parameter["required"] == true,
            ));
        }
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    rows.extend(properties(api, body));
    if !rows.is_empty() {
        page.push_str("\n| | |\n|---|---|\n");
        for (name, what, is_required) in rows {
            let required = if is_required { "" } else { " (optional)" };
            writeln!(
                page,
                "| {name}{required} | {} |",
                one_line(what).replace('|', "\\|")
            )?;
        }
    }
    let answers = members(&operation["responses"]).filter(|(status, _)| status.starts_with('2'));
    for (status, answer) in answers {
        let kinds: Vec<_> = members(&answer["content"])
            .map(|(kind, _)| format!("`{kind}`"))
            .collect();
        let is_list = members(&answer["content"]).any(|(_, content)| content["schema"]["type"] == "array");
        let schema = if is_list { ", a list" } else { "" };
        match kinds.is_empty() {
            true => write!(page, "\nAnswers {status}.\n")?,
            false => write!(page, "\nAnswers {status}: {}{schema}.\n", kinds.join(", "))?,
        }
        let json = &answer["content"]["application/json"]["schema"];
        let mut named = properties(api, json).into_iter().peekable();
        if named.peek().is_some() {
            page.push('\n');
        }
        for (name, what, _) in named {
            let what = one_line(what);
            match what.is_empty() {
                true => writeln!(page, "- {name}")?,
                false => writeln!(page, "- {name}: {what}")?,
            }
        }
    }
    Ok(())
}

/// The properties of a schema, or of the items of a list: name, what it is, whether it must be there.
fn properties<'a>(api: &'a Value, schema: &'a Value) -> Vec<(String, &'a str, bool)> {
    let schema = resolved(api, schema);
    let schema = match schema["type"] == "array" {
        true => resolved(api, &schema["items"]),
        false => schema,
    };
    let is_required = |name: &str| list(&schema["required"]).any(|one| one == name);
    let row = |(name, property): (&str, &'a Value)| {
        let what = text_of(&property["description"]);
        (format!("`{name}`"), what, is_required(name))
    };
    members(&schema["properties"])
        .map(|(name, property)| row((name, property)))
        .collect()
}

fn resolved<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    name.map_or(schema, |name| &api["components"]["schemas"][name])
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = value.as_object().into_iter().flatten();
    all.map(|(name, value)| (name.as_str(), value))
}
