//! Pages of lists that take both of the provider's styles: by number, or by token.
//!
//! A token is the id of the last item shown, so an item that exists throughout a walk is neither missed nor doubled.
//! Newer clients send `MaxResults` and `NextToken`, older ones `PageNumber` and `PageSize`; a request with any of the
//! former is of the newer style. Both answers hold `PageSize`: some clients stop at a page smaller than they asked for.

use super::params::Scope;
use super::plan::{self, BadParams, NumberedPage, Planned};
use crate::listing::{Part, Rows};
use serde_json::Value;
use sim_core::World;
use sim_core::id::Id;
use sim_core::resource::Resource;

/// Which page of a list whose items come in order of their ids.
#[derive(Clone, Copy, Debug)]
pub enum EitherPage<I> {
    /// By number.
    Numbered(NumberedPage),
    /// By token.
    Token {
        /// The items on a page.
        size: usize,
        /// The last item of the page before.
        after: Option<I>,
    },
}

impl<I: Id> EitherPage<I> {
    /// `MaxResults` of 1 to `most_results` (10 if only a token is sent) and `NextToken`, or a numbered page of at most
    /// `most_numbered` items.
    ///
    /// # Errors
    /// Numbers out of range, a token that no answer held.
    pub fn read(p: &Scope<'_>, most_numbered: i64, most_results: i64) -> Result<EitherPage<I>, BadParams> {
        let results = p.int("MaxResults", 1..=most_results)?;
        let after = match p.str("NextToken") {
            None => None,
            Some(text) => {
                let wrong = || p.invalid("NextToken", "it is not the NextToken of an answer");
                Some(text.parse::<I>().map_err(|_| wrong())?)
            }
        };
        let numbered = NumberedPage::read(p, most_numbered)?;
        if results.is_none() && after.is_none() {
            return Ok(EitherPage::Numbered(numbered));
        }
        Ok(EitherPage::Token { size: results.unwrap_or(10) as usize, after })
    }

    /// A plan that answers with the page of a list: its items under `list.item`, with `TotalCount`, `PageNumber`,
    /// `PageSize` and `NextToken`.
    ///
    /// # Errors
    /// None; the result is a plan.
    pub fn list<R: Resource<Key = I>>(
        self,
        rows: Rows<R>,
        list: &'static str,
        item: &'static str,
        show: impl Fn(&World, &R) -> Value + Send + 'static,
    ) -> Planned {
        let (page, part) = match self {
            EitherPage::Numbered(page) => (page, page.part()),
            EitherPage::Token { size, after } => {
                (NumberedPage { number: 1, size }, Part { after, skip: 0, size, count: true })
            }
        };
        let by_token = matches!(self, EitherPage::Token { .. });
        plan::list(rows, part, show, move |found| {
            let next = found.next.filter(|_| by_token).map(|id| id.to_string()).unwrap_or_default();
            let mut answer = page.answer(found.total, list, item, found.items);
            answer["NextToken"] = next.into();
            answer
        })
    }
}
