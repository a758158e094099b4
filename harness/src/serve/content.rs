//! What the control API tells of the directory's content: who read it, and the content itself as LDIF.

use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde_json::{Value, json};
use sim::directory::forests::DcKey;
use sim::directory::ldif_writer::LdifStyle;
use sim::directory::reads::{ReadLog, Reader};
use sim::directory::request::{AttributeName, Name};
use sim::estate::Estate;
use sim::wire::shared::SharedEstate;

/// Names of objects that stand beside a number.
const EXAMPLES: usize = 20;

/// Objects of an export between which the estate is let go.
const BATCH: usize = 500;

/// Who read what.
pub(super) fn reads(estate: &Estate, log: &ReadLog) -> Value {
    let at = estate.forests.first_dc(estate.job_domain());
    log.readers().iter().map(|reader| summary(estate, at, reader)).collect()
}

fn summary(estate: &Estate, at: Option<DcKey>, reader: &Reader) -> Value {
    let attributes: Vec<Value> = reader
        .attributes()
        .map(|attribute| {
            let named = attribute.objects.iter().take(EXAMPLES);
            let examples: Vec<String> = named
                .filter_map(|object| at.map(|at| estate.forests.dn_of(at, object)))
                .filter(|dn| !dn.is_empty())
                .collect();
            json!({
                "name": attribute.name,
                "tested": attribute.tested,
                "returned": attribute.returned,
                "objects": attribute.objects.count(),
                "examples": examples,
            })
        })
        .collect();
    json!({
        "identity": reader.identity,
        "address": reader.address,
        "searches": reader.searches,
        "compares": reader.compares,
        "entries": reader.entries,
        "objects": reader.objects.count(),
        "first": reader.between.0.to_string(),
        "last": reader.between.1.to_string(),
        "attributes": attributes,
    })
}

/// What to export.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {
    base: Option<String>,
    attributes: Option<String>,
    #[serde(default)]
    style: Style,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Style {
    #[default]
    Content,
    Ldifde,
}

/// The content of a subtree, in portions. The estate is free between two of them: what is deleted
/// meanwhile is left out, what is changed is told as it is then.
pub(super) fn ldif(
    shared: &SharedEstate,
    export: Export,
) -> Result<impl Stream<Item = String> + Send + use<>, String> {
    let style = match export.style {
        Style::Content => LdifStyle::Content,
        Style::Ldifde => LdifStyle::Ldifde,
    };
    let names = export.attributes.unwrap_or_default();
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let selection: Vec<AttributeName> = names.map(AttributeName::from).collect();
    let (at, order) = shared.with(|estate| {
        let (forest, domain) = estate.job_domain();
        let at = estate.forests.first_dc((forest, domain));
        let at = at.ok_or_else(|| "the domain has no domain controller".to_owned())?;
        let base = export.base.unwrap_or_else(|| estate.base_dn(forest, domain));
        let held = estate.forests.get(at.forest).ok_or_else(|| "there is no forest".to_owned())?;
        for name in &selection {
            if let AttributeName::Text(text) = name
                && held.schema().attribute_named(text).is_none()
            {
                return Err(format!("`attributes`: the schema has no attribute `{text}`"));
            }
        }
        let order = held
            .export_order(at.dc, &Name::from_text(&base))
            .map_err(|refusal| format!("`base` is `{base}`: {}", refusal.diagnostic.trim()))?;
        Ok((at, order))
    })?;
    let shared = shared.clone();
    let mut left = order.into_iter();
    let mut text =
        if style == LdifStyle::Content { "version: 1\n\n".to_owned() } else { String::new() };
    Ok(stream::iter(core::iter::from_fn(move || {
        let mut some = false;
        shared.with(|estate| {
            let forest = estate.forests.get(at.forest)?;
            for object in left.by_ref().take(BATCH) {
                some = true;
                text.extend(forest.export_record(at.dc, object, &selection, style));
            }
            Some(())
        });
        let portion = core::mem::take(&mut text);
        (some || !portion.is_empty()).then_some(portion)
    })))
}
