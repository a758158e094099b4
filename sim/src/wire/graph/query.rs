//! The query options of a listing of directory objects, checked together.
//!
//! Sources: Microsoft Graph, "Use query parameters to customize responses", "Advanced query
//! capabilities on Microsoft Entra ID objects".

use serde_json::Value;

use super::Operation;
use super::error::GraphError;
use super::filter::{Filter, Mode, Support};
use super::listing;
use super::search::Search;

/// What a listing is asked for.
pub(super) struct Query {
    pub(super) filter: Option<Filter>,
    pub(super) search: Option<Search>,
    /// Property, and whether the greatest comes first.
    pub(super) order: Option<(String, bool)>,
    pub(super) top: usize,
    /// Where the page starts.
    pub(super) start: usize,
    /// Whether `@odata.count` is shown.
    pub(super) counted: bool,
}

/// Options that listings of directory objects know.
const KNOWN: [&str; 8] =
    ["select", "filter", "search", "orderby", "top", "count", "expand", "skiptoken"];

/// Properties that can be sorted by without an advanced query.
const SORTED: [&str; 2] = ["displayName", "userPrincipalName"];

impl Query {
    /// Reads the options. `known` says whether the resource has a property of a name.
    pub(super) fn read(
        operation: &Operation<'_>,
        support: Support,
        (default, most): (usize, usize),
        known: &dyn Fn(&str) -> bool,
    ) -> Result<Self, GraphError> {
        operation.only_options(&KNOWN)?;
        let query = &operation.address.query;
        let counting = query.get("count").is_some_and(|c| c.eq_ignore_ascii_case("true"));
        let mode = if operation.eventual && counting { Mode::Advanced } else { Mode::Default };
        let filter = query.get("filter").map(Filter::parse).transpose()?;
        if let Some(filter) = &filter {
            let unknown = filter
                .properties()
                .into_iter()
                .find(|path| path.first().is_none_or(|name| !known(name)));
            if let Some(path) = unknown {
                let kind = support.kind.to_ascii_lowercase();
                return Err(GraphError::no_filter_property(path, &kind));
            }
            support.check(filter, mode)?;
        }
        let search = query.get("search").map(Search::parse).transpose()?;
        if search.is_some() && !operation.eventual {
            return Err(GraphError::unsupported_query(
                "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
            ));
        }
        let order = query.get("orderby").map(order).transpose()?;
        if let Some((name, _)) = &order {
            if !known(name) {
                return Err(GraphError::no_property(name, &support.kind.to_ascii_lowercase()));
            }
            let plain = SORTED.iter().any(|known| known.eq_ignore_ascii_case(name));
            if mode == Mode::Default && (!plain || filter.is_some()) {
                return Err(GraphError::unsupported_query(
                    "Sorting not supported for current query.",
                ));
            }
        }
        if query.get("expand").is_some() && mode == Mode::Advanced {
            return Err(GraphError::unsupported_query(
                "The $expand query parameter is not supported with advanced query capabilities.",
            ));
        }
        Ok(Self {
            filter,
            search,
            order,
            top: listing::top(operation, default, most)?,
            start: listing::start(operation, 0)?,
            // Without the header the option is passed over.
            counted: mode == Mode::Advanced,
        })
    }

    /// Whether everything is shown, in its own order.
    pub(super) fn is_plain(&self) -> bool {
        self.filter.is_none() && self.search.is_none() && self.order.is_none()
    }

    /// Whether a record passes, whose members `get` finds.
    pub(super) fn passes(&self, get: &dyn Fn(&[String]) -> Value) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(get))
            && self.search.as_ref().is_none_or(|search| {
                search.matches(&|name| match get(&[name.to_owned()]) {
                    Value::String(text) => vec![text],
                    Value::Array(values) => {
                        values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                    }
                    _ => Vec::new(),
                })
            })
    }

    /// Sorts what passed, by text without case; nothing before something.
    pub(super) fn sort<T>(&self, found: &mut [T], key: impl Fn(&T, &str) -> Value) {
        let Some((name, descending)) = &self.order else { return };
        found.sort_by_cached_key(|element| match key(element, name) {
            Value::Null => (0, String::new()),
            Value::String(text) => (1, text.to_lowercase()),
            other => (1, other.to_string()),
        });
        if *descending {
            found.reverse();
        }
    }
}

fn order(text: &str) -> Result<(String, bool), GraphError> {
    let mut words = text.split_whitespace();
    let (name, direction, end) = (words.next(), words.next(), words.next());
    match (name, direction, end) {
        (Some(name), None | Some("asc"), None) if !name.contains(',') => {
            Ok((name.to_owned(), false))
        }
        (Some(name), Some("desc"), None) if !name.contains(',') => Ok((name.to_owned(), true)),
        _ => Err(GraphError::unsupported_query("Sorting not supported for current query.")),
    }
}
