//! `user`: who sent the request (docs/mapping.md).

use std::borrow::Cow;

use xray_wire::limits::MAX_TEXT_CHARS;

use super::{
    super::attributes::{Attributes, Slot},
    texts::Texts,
};

/// The end user's id.
pub(super) fn user<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<Cow<'a, str>> {
    let (slot, user) = attributes.first_text(&[Slot::EnduserId, Slot::UserId])?;
    let (user, whole) = texts.cut(Cow::Borrowed(user), MAX_TEXT_CHARS);
    if whole {
        attributes.consume(slot);
    }
    Some(user)
}
