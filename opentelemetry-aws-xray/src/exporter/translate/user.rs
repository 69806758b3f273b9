//! `user`: who sent the request (docs/mapping.md).

use super::{
    super::attributes::{Attributes, Slot},
    texts::Texts,
};

/// The end user's id.
#[inline]
pub(super) fn user<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<&'a str> {
    texts.field(&[Slot::EnduserId, Slot::UserId], attributes)
}
