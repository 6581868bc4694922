//! Reads an item's attributes. What is there but cannot be read is an error that names the item.

use super::keys::Key;
use super::table::Attributes;
use aws_sdk_dynamodb::types::AttributeValue;
use engine::ports::{CallError, Cause};
use planning::record::PrincipalKind;

/// An item that was read.
pub(crate) struct Fields<'a> {
    attributes: &'a Attributes,
}

impl<'a> Fields<'a> {
    pub fn of(attributes: &'a Attributes) -> Self {
        Self { attributes }
    }

    /// The item's key.
    pub fn key(&self) -> Result<Key, CallError> {
        Ok(Key { pk: self.required_text("pk")?.to_owned(), sk: self.required_text("sk")?.to_owned() })
    }

    pub fn text(&self, name: &str) -> Result<Option<&'a str>, CallError> {
        self.read(name, |value| value.as_s().ok().map(String::as_str))
    }

    pub fn required_text(&self, name: &str) -> Result<&'a str, CallError> {
        self.text(name)?.ok_or_else(|| self.unusable(name))
    }

    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, CallError> {
        self.read(name, |value| value.as_n().ok()?.parse().ok())
    }

    pub fn required_number<N: std::str::FromStr>(&self, name: &str) -> Result<N, CallError> {
        self.number(name)?.ok_or_else(|| self.unusable(name))
    }

    /// A flag; absent means false.
    pub fn flag(&self, name: &str) -> Result<bool, CallError> {
        Ok(self.read(name, |value| value.as_bool().ok().copied())?.unwrap_or(false))
    }

    /// A set of texts; absent means empty.
    pub fn texts(&self, name: &str) -> Result<&'a [String], CallError> {
        Ok(self.read(name, |value| value.as_ss().ok().map(Vec::as_slice))?.unwrap_or_default())
    }

    pub fn required_bytes(&self, name: &str) -> Result<&'a [u8], CallError> {
        let bytes = self.read(name, |value| value.as_b().ok().map(AsRef::as_ref))?;
        bytes.ok_or_else(|| self.unusable(name))
    }

    pub fn kind(&self) -> Result<PrincipalKind, CallError> {
        match self.required_text("kind")? {
            "user" => Ok(PrincipalKind::User),
            "group" => Ok(PrincipalKind::Group),
            _ => Err(self.unusable("kind")),
        }
    }

    /// The error for an attribute without which the item means nothing.
    pub fn unusable(&self, name: &str) -> CallError {
        let missing = format!(
            "the ledger's item has no usable attribute {name:?}: restore the item from the table's backup, \
             or delete it"
        );
        CallError::new("read", self.place(), Cause::Incomplete { missing })
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl Fn(&'a AttributeValue) -> Option<T>,
    ) -> Result<Option<T>, CallError> {
        let Some(value) = self.attributes.get(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.unusable(name))
    }

    fn place(&self) -> String {
        let part = |name: &str| {
            let value = self.attributes.get(name).and_then(|value| value.as_s().ok());
            value.cloned().unwrap_or_else(|| "?".to_owned())
        };
        Key { pk: part("pk"), sk: part("sk") }.to_string()
    }
}
