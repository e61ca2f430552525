//! Which forwarding rule takes a request: a table, and a model that ranks every rule by its own words.

use proptest::prelude::*;
use sim_core::slb::rule_matching::{Condition, in_order, takes};

fn choose(rules: &[(&str, &str)], host: &str, path: &str) -> Option<usize> {
    let conditions = rules.iter().map(|&(domain, url)| Condition { domain, url });
    in_order(conditions, host).into_iter().find(|&at| takes(rules[at].1, path))
}

/// What the provider's documentation shows, and what lies between its lines.
#[test]
fn the_nearest_domain_decides_and_then_the_longest_url() {
    let rules = [
        ("www.aliyun.com", ""),
        ("*.aliyun.com", ""),
        ("*.market.aliyun.com", ""),
        ("", "/abc"),
        ("", "/abcd"),
        ("shop.test", "/cart"),
        ("shop.test", "/cart/old"),
        ("*.test", ""),
    ];
    let rows = [
        ("www.aliyun.com", "/", Some(0)),
        ("WWW.Aliyun.com:8080", "/", Some(0)),
        ("www.aliyun.com.", "/", Some(0)),
        ("market.aliyun.com", "/", Some(1)),
        ("info.market.aliyun.com", "/", Some(2)),
        ("a.b.market.aliyun.com", "/", Some(2)),
        ("a.b.aliyun.com", "/", Some(1)),
        // The asterisk stands for something, and so does its dot.
        ("aliyun.com", "/", None),
        (".aliyun.com", "/", None),
        ("myaliyun.com", "/", None),
        // Without a domain of its own a host goes by the URL alone.
        ("aliyun.com", "/abcde", Some(4)),
        ("aliyun.com", "/abc/d", Some(3)),
        ("aliyun.com", "/ABC", None),
        ("", "/abc", Some(3)),
        ("[2001:db8::1]:80", "/abc", Some(3)),
        ("shop.test", "/cart/older?a=1", Some(6)),
        ("shop.test", "/carts", Some(5)),
        // The nearest domain has no rule for the path, and a wider one is not asked.
        ("shop.test", "/abc", None),
        ("other.test", "/abc", Some(7)),
    ];
    for (host, path, expected) in rows {
        assert_eq!(choose(&rules, host, path), expected, "{host}{path}");
    }
    assert_eq!(choose(&[], "a", "/"), None);
}

/// The domains that a host falls under, the nearest first: itself, then with ever fewer of its letters.
fn covering(host: &str) -> Vec<String> {
    let mut all = vec![host.to_owned()];
    all.extend(
        (1..host.len()).filter(|&at| host.as_bytes()[at] == b'.').map(|at| format!("*{}", &host[at..])),
    );
    all.push(String::new());
    all
}

/// Tries the domains that cover the host one after the other, and under the first that a rule names every prefix of the
/// path, the longest first.
fn model(rules: &[(String, String)], host: &str, path: &str) -> Option<usize> {
    let domain = covering(host).into_iter().find(|domain| rules.iter().any(|rule| rule.0 == *domain))?;
    let prefixes = (0..=path.len()).rev().map(|end| &path[..end]);
    prefixes.filter_map(|url| rules.iter().position(|rule| rule.0 == domain && rule.1 == url)).next()
}

proptest! {
    #[test]
    fn the_choice_is_that_of_the_model(
        rules in proptest::collection::btree_set(
            (r"((\*\.)?[ab](\.[ab]){0,2})?", r"(/[ab/]{1,3})?"), 0..12,
        ),
        host in r"[ab](\.[ab]){0,3}",
        path in r"/[ab/]{0,4}",
    ) {
        let rules: Vec<(String, String)> = rules.into_iter().collect();
        let asked: Vec<(&str, &str)> = rules.iter().map(|(d, u)| (d.as_str(), u.as_str())).collect();
        prop_assert_eq!(choose(&asked, &host, &path), model(&rules, &host, &path));
    }
}
