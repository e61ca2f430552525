//! Which forwarding rule takes a request, by its host and its path.
//!
//! The domain decides first: of the domains of all rules that cover the host, an exact one comes before a wildcard, a
//! narrower wildcard before a wider one, and no domain at all comes last. Among the rules of that domain the longest URL
//! with which the path begins wins, letter by letter, so that `/abc` takes `/abcd` too; a rule without a URL takes what no
//! other does. If none of them takes the path, no rule takes the request: a wider domain is not asked (provider
//! documentation: Forward requests based on domain names or URLs; that wider domains are not asked is inferred).

use std::cmp::Reverse;

/// What a rule asks of a request. An empty text asks nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition<'a> {
    /// The domain: a name, or `*.` and one. Letters count the same large and small.
    pub domain: &'a str,
    /// The beginning of the path, with the query behind it.
    pub url: &'a str,
}

/// How near a domain is to a host that it covers: the nearer, the less. Absent if it does not cover the host.
fn distance(domain: &str, host: &str) -> Option<(u8, Reverse<usize>)> {
    if domain.is_empty() {
        return Some((2, Reverse(0)));
    }
    let Some(tail) = domain.strip_prefix('*') else {
        return domain.eq_ignore_ascii_case(host).then_some((0, Reverse(domain.len())));
    };
    // At least one letter stands where the asterisk does; it may stand for several labels.
    let cut = host.len().checked_sub(tail.len()).filter(|cut| *cut > 0)?;
    let covered = host.as_bytes()[cut..].eq_ignore_ascii_case(tail.as_bytes());
    covered.then_some((1, Reverse(tail.len())))
}

/// The host that a Host header names: without a port and the dot of the root.
fn host_of(header: &str) -> &str {
    let (name, port) = header.rsplit_once(':').unwrap_or((header, ""));
    let host = if port.bytes().all(|b| b.is_ascii_digit()) { name } else { header };
    host.strip_suffix('.').unwrap_or(host)
}

/// Which of several rules are asked for a host, by their places among them and in the order in which they are: those of the
/// domain nearest to it, the longest URL first. `host` is what the Host header says, empty if there is none.
pub fn in_order<'a>(rules: impl Iterator<Item = Condition<'a>> + Clone, host: &str) -> Vec<usize> {
    let host = host_of(host);
    let Some(nearest) = rules.clone().filter_map(|rule| distance(rule.domain, host)).min() else {
        return Vec::new();
    };
    let of_domain = rules.enumerate().filter(|(_, rule)| distance(rule.domain, host) == Some(nearest));
    let mut of_domain: Vec<(usize, usize)> = of_domain.map(|(at, rule)| (at, rule.url.len())).collect();
    // Two rules of one domain have different URLs, so that of those with which a path begins the longest is one.
    of_domain.sort_by_key(|(at, length)| (Reverse(*length), *at));
    of_domain.into_iter().map(|(at, _)| at).collect()
}

/// Whether a rule that is asked takes a path: it begins with the rule's URL. The path begins with a slash and includes the
/// query.
pub fn takes(url: &str, path: &str) -> bool {
    path.starts_with(url)
}
