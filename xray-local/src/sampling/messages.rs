//! The documents of `GetSamplingTargets` and `GetSamplingStatisticSummaries` (X-Ray API reference).

use serde::{Deserialize, Serialize};
use xray_wire::Timestamp;

use super::{
    boost::BoostCounts,
    statistics::{ClientId, Counts},
};
use crate::summary::as_seconds;

/// A call of `GetSamplingTargets`. Its timestamps are not read: the service goes by its own clock, and clients write
/// them in seconds, in milliseconds and as text.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TargetsCall {
    #[serde(rename = "SamplingStatisticsDocuments")]
    pub(crate) statistics: Vec<StatisticsDocument>,
    #[serde(rename = "SamplingBoostStatisticsDocuments", default)]
    pub(crate) boost_statistics: Vec<BoostStatisticsDocument>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatisticsDocument {
    pub(crate) rule_name: String,
    #[serde(rename = "ClientID")]
    client_id: String,
    request_count: i64,
    /// Some versions of AWS' own samplers call it `SampleCount`.
    #[serde(alias = "SampleCount")]
    sampled_count: i64,
    #[serde(default)]
    borrow_count: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BoostStatisticsDocument {
    pub(crate) rule_name: String,
    pub(crate) service_name: String,
    anomaly_count: i64,
    total_count: i64,
    sampled_anomaly_count: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Targets {
    #[serde(rename = "SamplingTargetDocuments")]
    pub(crate) targets: Vec<Target>,
    #[serde(serialize_with = "as_seconds")]
    pub(crate) last_rule_modification: Timestamp,
    pub(crate) unprocessed_statistics: Vec<Unprocessed>,
    pub(crate) unprocessed_boost_statistics: Vec<Unprocessed>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Target {
    pub(crate) rule_name: String,
    pub(crate) fixed_rate: f64,
    pub(crate) reservoir_quota: u32,
    #[serde(rename = "ReservoirQuotaTTL", serialize_with = "as_seconds")]
    pub(crate) reservoir_quota_ttl: Timestamp,
    pub(crate) interval: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sampling_boost: Option<SamplingBoost>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SamplingBoost {
    pub(crate) boost_rate: f64,
    #[serde(rename = "BoostRateTTL", serialize_with = "as_seconds")]
    pub(crate) boost_rate_ttl: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Unprocessed {
    pub(crate) rule_name: String,
    pub(crate) error_code: &'static str,
    pub(crate) message: String,
}

/// A page of `GetSamplingStatisticSummaries`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Summaries {
    #[serde(rename = "SamplingStatisticSummaries")]
    pub(crate) summaries: Vec<StatisticSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatisticSummary {
    pub(crate) rule_name: String,
    /// When the window began.
    #[serde(serialize_with = "as_seconds")]
    pub(crate) timestamp: Timestamp,
    pub(crate) request_count: u64,
    pub(crate) borrow_count: u64,
    pub(crate) sampled_count: u64,
}

impl StatisticsDocument {
    /// Who reports what, or what is wrong with it.
    pub(crate) fn read(&self) -> Result<(ClientId, Counts), String> {
        let id = ClientId::parse(&self.client_id)
            .ok_or_else(|| "expected ClientID of 24 hexadecimal digits".to_owned())?;
        let counts = Counts {
            requests: count("RequestCount", self.request_count)?,
            sampled: count("SampledCount", self.sampled_count)?,
            borrowed: count("BorrowCount", self.borrow_count.unwrap_or(0))?,
        };
        Ok((id, counts))
    }
}

impl BoostStatisticsDocument {
    pub(crate) fn read(&self) -> Result<BoostCounts, String> {
        if self.service_name.chars().count() > MAX_SERVICE_CHARS {
            return Err(format!("expected ServiceName of at most {MAX_SERVICE_CHARS} characters"));
        }
        Ok(BoostCounts {
            traces: count("TotalCount", self.total_count)?,
            anomalies: count("AnomalyCount", self.anomaly_count)?,
            sampled_anomalies: count("SampledAnomalyCount", self.sampled_anomaly_count)?,
        })
    }
}

const MAX_SERVICE_CHARS: usize = 64;

fn count(field: &str, count: i64) -> Result<u64, String> {
    u64::try_from(count).map_err(|_| format!("expected {field} of at least 0, but found {count}"))
}
