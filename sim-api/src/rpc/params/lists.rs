//! Lists and objects: numbered names, dotted names, JSON texts, comma lists.

use std::borrow::Cow;

use super::scope::clip;
use super::{Names, ParamError, Params, ParamsBuilder, Scope};
use crate::rpc::json;

pub use crate::catalogue::MAX_LIST_INDEX;

impl<'a> Scope<'a> {
    /// The items of `Name.1`, `Name.2`, ... in the order of their numbers, at most `max`.
    ///
    /// Holes are closed up: the provider's Go client leaves a number out for an empty item.
    /// Empty items count, since a client that means nothing sends nothing.
    ///
    /// # Errors
    /// Numbers below 1, with leading zeros or beyond [`MAX_LIST_INDEX`], and more than `max` items.
    pub fn strings(&self, name: &str, max: usize) -> Result<Vec<&'a str>, ParamError> {
        let mut items = Vec::new();
        for (number, rest, full) in self.numbered(name)? {
            if rest.is_empty() {
                items.push((number, self.params.take(full).unwrap_or("")));
            }
        }
        items.sort_unstable_by_key(|(number, _)| *number);
        self.check_count(name, items.len(), max)?;
        Ok(items.into_iter().map(|(_, value)| value).collect())
    }

    /// The objects `Name.1.…`, `Name.2.…` in the order of their numbers, at most `max`, each as a
    /// view of its own; lists nest.
    ///
    /// # Errors
    /// As [`Scope::strings`].
    pub fn objects(&self, name: &str, max: usize) -> Result<Vec<Scope<'a>>, ParamError> {
        let mut numbers: Vec<u32> = self
            .numbered(name)?
            .into_iter()
            .filter(|(_, rest, _)| !rest.is_empty())
            .map(|(number, _, _)| number)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.check_count(name, numbers.len(), max)?;
        let item = |number| Scope {
            params: self.params,
            prefix: Cow::Owned(format!("{}{name}.{number}.", self.prefix)),
            number,
            asked: self.asked,
        };
        Ok(numbers.into_iter().map(item).collect())
    }

    /// The object whose members are sent as `Name.Member`, or `None` if no member was sent.
    pub fn object(&self, name: &str) -> Option<Scope<'a>> {
        let prefix = format!("{}{name}.", self.prefix);
        let sent = !self.params.below(&prefix).is_empty();
        sent.then_some(Scope {
            params: self.params,
            prefix: Cow::Owned(prefix),
            number: 0,
            asked: self.asked,
        })
    }

    /// A parameter whose value is a JSON array or object, as flat parameters that begin with its
    /// full name: `BackendServers=[{"Port":80}]` gives `BackendServers.1.Port=80`, to be read with
    /// `objects("BackendServers", …)`. Names of members are found in any case. `None` if it is absent or empty.
    ///
    /// # Errors
    /// Broken JSON, a single value in place of an array or object, nesting and size beyond the limits.
    pub fn json(&self, name: &str) -> Result<Option<Params>, ParamError> {
        let full = self.full_name(name);
        match self.str(name) {
            Some(text) => {
                let mut builder = ParamsBuilder::of(Names::AnyCase);
                json::flatten(json::double_quoted(text).as_bytes(), &full, &mut builder)
                    .and_then(|()| builder.finish())
            }
            // A JSON body has been flattened already.
            None => {
                let members = self.params.below(&format!("{full}."));
                if members.is_empty() {
                    return Ok(None);
                }
                ParamsBuilder::view(self.params, members, Names::AnyCase).finish()
            }
        }
        .map(Some)
        .map_err(|error| self.invalid(name, error.to_string()))
    }

    /// A list of texts sent as a JSON array (`InstanceIds=["i-1","i-2"]`), at most `max`; numbers
    /// count as their text. Empty if the parameter is absent.
    ///
    /// # Errors
    /// As [`Scope::json`], an array of anything else than texts, and more than `max` items.
    pub fn json_strings(&self, name: &str, max: usize) -> Result<Vec<String>, ParamError> {
        let Some(params) = self.json(name)? else { return Ok(Vec::new()) };
        let full = self.full_name(name);
        let items: Vec<String> = params.root().strings(&full, max)?.into_iter().map(str::to_owned).collect();
        if params.len() != items.len() {
            return Err(self.invalid(name, r#"it must be a JSON array of texts, for example ["a","b"]"#));
        }
        Ok(items)
    }

    /// A list of texts sent with commas (`VpcId=vpc-a,vpc-b`), at most `max`; spaces around an item do not count.
    /// Empty if the parameter is absent.
    ///
    /// # Errors
    /// An empty item, and more than `max` items.
    pub fn commas(&self, name: &str, max: usize) -> Result<Vec<&'a str>, ParamError> {
        let Some(text) = self.str(name) else { return Ok(Vec::new()) };
        // One item too many is enough to know; the rest need not be collected.
        let items: Vec<&str> = text.split(',').map(str::trim).take(max.saturating_add(1)).collect();
        self.check_count(name, items.len(), max)?;
        if items.iter().any(|item| item.is_empty()) {
            return Err(self.invalid(name, format!("'{}' has an empty item; write a,b", clip(text))));
        }
        Ok(items)
    }

    /// Number, what follows it (`.Key` or nothing), and full name of each `Name.<number>…` of this view. Names whose
    /// next part is no number are no items and stay unknown.
    fn numbered(&self, name: &str) -> Result<Vec<(u32, &'a str, &'a str)>, ParamError> {
        let prefix = format!("{}{name}.", self.prefix);
        let mut found = Vec::new();
        for entry in self.params.below(&prefix) {
            let after = &entry.name[prefix.len()..];
            let end = after.find('.').unwrap_or(after.len());
            let (digits, rest) = after.split_at(end);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let number = digits.parse::<u32>().unwrap_or(u32::MAX);
            if digits.starts_with('0') || number > MAX_LIST_INDEX {
                let rule = format!(
                    "item number '{}' must be from 1 to {MAX_LIST_INDEX}, written without leading zeros",
                    clip(digits)
                );
                return Err(self.invalid(name, rule));
            }
            found.push((number, rest, entry.name.as_str()));
        }
        Ok(found)
    }

    fn check_count(&self, name: &str, count: usize, max: usize) -> Result<(), ParamError> {
        if count <= max {
            return Ok(());
        }
        Err(self.invalid(name, format!("it may have at most {max} items")))
    }
}
