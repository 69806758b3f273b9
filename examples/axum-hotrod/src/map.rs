//! The city's map: places, and how long it takes from one to another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Blocks from one end of the city to the other, in both directions.
pub(crate) const CITY_BLOCKS: u32 = 1000;

/// How many blocks a driver makes in a minute when the streets are empty.
const BLOCKS_PER_MINUTE: f64 = 30.0;

/// A place in the city, written `x,y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Location {
    pub(crate) x: u32,
    pub(crate) y: u32,
}

impl Location {
    /// Minutes to another place, at least one. Of the straight way's time, `traffic` adds so many per cent.
    pub(crate) fn minutes_to(self, other: Self, traffic: u32) -> u32 {
        let (dx, dy) = (self.x.abs_diff(other.x), self.y.abs_diff(other.y));
        let straight = f64::from(dx).hypot(f64::from(dy)) / BLOCKS_PER_MINUTE;
        let minutes = straight * (1.0 + f64::from(traffic) / 100.0);
        (minutes.ceil() as u32).max(1)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.x, self.y)
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        location.to_string()
    }
}

impl TryFrom<String> for Location {
    type Error = OffTheMap;

    fn try_from(text: String) -> Result<Self, OffTheMap> {
        text.parse()
    }
}

impl FromStr for Location {
    type Err = OffTheMap;

    fn from_str(text: &str) -> Result<Self, OffTheMap> {
        let (x, y) = text.split_once(',').ok_or(OffTheMap)?;
        let block = |text: &str| text.parse().ok().filter(|block| *block <= CITY_BLOCKS).ok_or(OffTheMap);
        Ok(Self { x: block(x)?, y: block(y)? })
    }
}

/// The text was not a place in the city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffTheMap;

impl fmt::Display for OffTheMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected two numbers from 0 to {CITY_BLOCKS} with a comma between them")
    }
}

impl std::error::Error for OffTheMap {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_not_on_the_map() {
        for text in ["", "1", "1,", ",1", "1,2,3", "-1,2", "1001,0", "0,1001", "1 ,2", "x,y", "99999999999,0"]
        {
            assert_eq!(text.parse::<Location>(), Err(OffTheMap), "{text:?}");
        }
    }

    #[test]
    fn tells_how_long_a_way_takes() {
        for (from, to, traffic, minutes) in [
            ("0,0", "0,0", 0, 1),
            ("0,0", "30,0", 0, 1),
            ("0,0", "31,0", 0, 2),
            ("0,0", "180,240", 0, 10),
            ("180,240", "0,0", 50, 15),
            ("0,0", "1000,1000", 100, 95),
        ] {
            let (from, to): (Location, Location) = (from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(from.minutes_to(to, traffic), minutes, "{from} to {to} at {traffic}%");
        }
    }

    proptest! {
        #[test]
        fn is_read_as_it_is_written(x in 0..=CITY_BLOCKS, y in 0..=CITY_BLOCKS) {
            let location = Location { x, y };
            prop_assert_eq!(location.to_string().parse(), Ok(location));
        }
    }
}
