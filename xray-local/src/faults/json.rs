//! Faults as JSON, for `/api/faults`. The shape is in the crate's documentation.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Effect, ErrorAnswer, Fault, Faults, MAX_DELAY, MAX_FAULTS, Unprocessed, inject::Injector};

/// The code of documents that come back unprocessed, if none is named: a transient one of AWS.
const DEFAULT_CODE: &str = "InternalFailure";

/// Faults that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FaultsError(String);

impl fmt::Display for FaultsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultsBody {
    #[serde(default)]
    seed: u64,
    faults: Vec<FaultBody>,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Delay,
    Status,
    ResetBeforeBody,
    ResetAfterBody,
    LostAnswer,
    HalfAnswer,
    Unprocessed,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultBody {
    fault: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default = "all")]
    share: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    /// Written; taken but not heeded, so that what was read can be sent again.
    #[serde(default)]
    struck: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document_share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    codes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    permanent: Option<bool>,
}

fn all() -> f64 {
    1.0
}

/// Reads the body of a `PUT`.
pub(crate) fn read(json: &[u8]) -> Result<Faults, FaultsError> {
    let body: FaultsBody = serde_json::from_slice(json).map_err(|error| FaultsError(error.to_string()))?;
    if body.faults.len() > MAX_FAULTS {
        return Err(expected(&format!("at most {MAX_FAULTS} faults"), body.faults.len()));
    }
    let list = body.faults.into_iter().map(FaultBody::read).collect::<Result<_, _>>()?;
    Ok(Faults { seed: body.seed, list })
}

/// Writes what is set and how often each fault has struck.
pub(crate) fn write(injector: &Injector) -> impl Serialize + use<> {
    let faults = injector.armed().iter().map(|armed| FaultBody::write(&armed.fault, armed.struck)).collect();
    FaultsBody { seed: injector.seed(), faults }
}

impl FaultBody {
    fn read(self) -> Result<Fault, FaultsError> {
        let share = share("share", self.share)?;
        Ok(Fault { path: self.path.clone(), share, times: self.times, effect: self.effect()? })
    }

    fn effect(self) -> Result<Effect, FaultsError> {
        Ok(match self.fault {
            Kind::Delay => Effect::Delay(delay(self.delay_ms)?),
            Kind::Status => Effect::Status(ErrorAnswer {
                status: status(self.status)?,
                code: self.code.map(header_text).transpose()?,
                retry_after: self.retry_after_s.map(Duration::from_secs),
            }),
            Kind::ResetBeforeBody => Effect::ResetBeforeBody,
            Kind::ResetAfterBody => Effect::ResetAfterBody,
            Kind::LostAnswer => Effect::LostAnswer,
            Kind::HalfAnswer => Effect::HalfAnswer,
            Kind::Unprocessed => Effect::Unprocessed(Unprocessed {
                share: share("document_share", self.document_share.unwrap_or(1.0))?,
                codes: codes(self.codes)?,
                permanent: self.permanent.unwrap_or(false),
            }),
        })
    }

    fn write(fault: &Fault, struck: u64) -> Self {
        let Fault { effect, path, share, times } = fault.clone();
        let mut body = Self {
            fault: kind(&effect),
            path,
            share,
            times,
            struck,
            delay_ms: None,
            status: None,
            code: None,
            retry_after_s: None,
            document_share: None,
            codes: None,
            permanent: None,
        };
        match effect {
            Effect::Delay(delay) => body.delay_ms = u64::try_from(delay.as_millis()).ok(),
            Effect::Status(answer) => {
                body.status = Some(answer.status());
                body.retry_after_s = answer.retry_after_seconds();
                body.code = answer.code;
            }
            Effect::Unprocessed(unprocessed) => {
                body.document_share = Some(unprocessed.share);
                body.codes = Some(unprocessed.codes);
                body.permanent = Some(unprocessed.permanent);
            }
            Effect::ResetBeforeBody | Effect::ResetAfterBody | Effect::LostAnswer | Effect::HalfAnswer => {}
        }
        body
    }
}

fn kind(effect: &Effect) -> Kind {
    match effect {
        Effect::Delay(_) => Kind::Delay,
        Effect::Status(_) => Kind::Status,
        Effect::ResetBeforeBody => Kind::ResetBeforeBody,
        Effect::ResetAfterBody => Kind::ResetAfterBody,
        Effect::LostAnswer => Kind::LostAnswer,
        Effect::HalfAnswer => Kind::HalfAnswer,
        Effect::Unprocessed(_) => Kind::Unprocessed,
    }
}

fn share(field: &str, share: f64) -> Result<f64, FaultsError> {
    if !(0.0..=1.0).contains(&share) {
        return Err(expected(&format!("{field} from 0 to 1"), share));
    }
    Ok(share)
}

fn delay(millis: Option<u64>) -> Result<Duration, FaultsError> {
    let millis = millis.ok_or_else(|| expected("delay_ms with a delay", "none"))?;
    let delay = Duration::from_millis(millis);
    if delay > MAX_DELAY {
        return Err(expected(&format!("delay_ms up to {}", MAX_DELAY.as_millis()), millis));
    }
    Ok(delay)
}

fn status(status: Option<u16>) -> Result<u16, FaultsError> {
    let status = status.ok_or_else(|| expected("status with a status", "none"))?;
    if !(400..=599).contains(&status) {
        return Err(expected("a status from 400 to 599", status));
    }
    Ok(status)
}

fn codes(codes: Option<Vec<String>>) -> Result<Vec<String>, FaultsError> {
    match codes {
        None => Ok(vec![DEFAULT_CODE.to_owned()]),
        Some(codes) if codes.is_empty() => Err(expected("one of codes or more", "none")),
        Some(codes) => Ok(codes),
    }
}

/// What may stand in a header.
fn header_text(text: String) -> Result<String, FaultsError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(expected("code in visible ASCII characters", format!("{text:?}")));
    }
    Ok(text)
}

fn expected(what: &str, found: impl fmt::Display) -> FaultsError {
    FaultsError(format!("expected {what}, but found {found}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(faults: Faults) -> String {
        serde_json::to_string(&write(&Injector::new(faults))).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let faults = Faults::default()
            .with_seed(7)
            .with(
                Fault::from(Effect::Delay(Duration::from_millis(250))).on("/TraceSegments").with_share(0.25),
            )
            .with(
                Fault::from(ErrorAnswer::new(429).with_retry_after(Duration::from_secs(2)).with_code("Slow"))
                    .times(3),
            )
            .with(Effect::ResetBeforeBody)
            .with(Effect::ResetAfterBody)
            .with(Effect::LostAnswer)
            .with(Effect::HalfAnswer)
            .with(Unprocessed::new(0.5, "A").or("B").permanent());
        assert_eq!(read(written(faults.clone()).as_bytes()), Ok(faults));
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        for (body, part) in [
            ("rubbish", "expected value"),
            ("{}", "missing field `faults`"),
            (r#"{"faults":[{"fault":"nonsense"}]}"#, "unknown variant"),
            (r#"{"faults":[{"fault":"delay"}]}"#, "delay_ms"),
            (r#"{"faults":[{"fault":"delay","delay_ms":600001}]}"#, "600000"),
            (r#"{"faults":[{"fault":"status"}]}"#, "status"),
            (r#"{"faults":[{"fault":"status","status":200}]}"#, "400 to 599"),
            (r#"{"faults":[{"fault":"status","status":500,"code":"a b"}]}"#, "visible ASCII"),
            (r#"{"faults":[{"fault":"lost_answer","share":1.5}]}"#, "share from 0 to 1"),
            (r#"{"faults":[{"fault":"unprocessed","document_share":-1}]}"#, "document_share"),
            (r#"{"faults":[{"fault":"unprocessed","codes":[]}]}"#, "one of codes"),
            (r#"{"faults":[{"fault":"lost_answer","tmies":3}]}"#, "tmies"),
        ] {
            let error = read(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part), "{body}: {error}");
        }
        let many = format!(r#"{{"faults":[{}]}}"#, vec![r#"{"fault":"lost_answer"}"#; 101].join(","));
        assert!(read(many.as_bytes()).unwrap_err().to_string().contains("at most 100"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
