//! Lists in pages. A cursor is the last key of a page, so an item that exists throughout a walk is neither
//! missed nor doubled, whatever comes and goes meanwhile.

use crate::listing::{Found, Part};
use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use sim_core::id::Id;
use sim_core::{ErrorCode, Refusal};
use utoipa::{IntoParams, ToSchema};

/// The most items on a page.
pub const MAX_PAGE: u32 = 1_000;
/// The items on a page of a request that does not say.
pub const DEFAULT_PAGE: u32 = 100;

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    pub page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    pub page_token: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, oldest first.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

impl PageQuery {
    /// The size and the last key of the page before.
    ///
    /// # Errors
    /// A size out of range, a token that this server did not issue.
    pub fn cursor<I: Id>(&self) -> Result<(usize, Option<I>), Problem> {
        let size = self.page_size.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&size) {
            return Err(Problem::parameter("page_size", format!("page_size is {size}."), "1 to 1000"));
        }
        let after = self.page_token.as_deref().map(str::parse).transpose();
        let after = after.map_err(|_| {
            Refusal::new(ErrorCode::InvalidParameter)
                .field("page_token")
                .detail("page_token was not issued by this list.")
                .accepted("next_page_token of the page before")
        })?;
        Ok((size as usize, after))
    }

    /// The part of a list that is asked for.
    ///
    /// # Errors
    /// As [`PageQuery::cursor`].
    pub fn part<I: Id>(&self) -> Result<Part<I>, Problem> {
        let (size, after) = self.cursor()?;
        Ok(Part { after, skip: 0, size, count: false })
    }
}

impl<T, I: Id> From<Found<T, I>> for Page<T> {
    fn from(found: Found<T, I>) -> Page<T> {
        Page { items: found.items, next_page_token: found.next.map(|id| id.to_string()) }
    }
}

impl<T> Page<T> {
    /// The page of `items`, which come in order of their ids and after the cursor.
    pub fn take<I: Id, R>(
        items: impl Iterator<Item = R>,
        size: usize,
        id: impl Fn(&R) -> I,
        show: impl Fn(R) -> T,
    ) -> Page<T> {
        let mut items = items.peekable();
        let mut page = Vec::new();
        let mut last = None;
        while page.len() < size {
            let Some(item) = items.next() else { return Page { items: page, next_page_token: None } };
            last = Some(id(&item));
            page.push(show(item));
        }
        let more = items.peek().is_some();
        Page { items: page, next_page_token: last.filter(|_| more).map(|id| id.to_string()) }
    }
}
