#![expect(
    unsafe_code,
    reason = "rust-rdkafka has no IncrementalAlterConfigs, its AlterConfigs resets what is not listed, and it \
              drops the broker's words on why a request is refused"
)]
//! Changes of topics through librdkafka's C interface: one request, one answer, the broker's own words.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::bindings as rd;
use rdkafka::client::Client;
use rdkafka::types::RDKafkaErrorCode;

use crate::Error;

/// A change of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    CreateTopic {
        topic: String,
        partitions: i32,
        replication: i32,
        config: Vec<(String, String)>,
    },
    /// More partitions, `total` of them in the end.
    CreatePartitions { topic: String, total: usize },
    /// These settings and no other.
    SetConfig {
        topic: String,
        config: Vec<(String, String)>,
    },
}

/// Whether the controller makes the change or only says whether it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Validate,
    Make,
}

impl Request {
    pub(crate) fn topic(&self) -> &str {
        match self {
            Self::CreateTopic { topic, .. }
            | Self::CreatePartitions { topic, .. }
            | Self::SetConfig { topic, .. } => topic,
        }
    }
}

/// Sends the request and waits for its answer. Blocks for `timeout` and a little more.
pub(super) fn send<C: ClientContext>(
    client: &Client<C>,
    request: &Request,
    mode: Mode,
    timeout: Duration,
) -> Result<(), Error> {
    answer_to(client, request, mode, timeout).map_err(|said| Error::ChangeRefused {
        topic: request.topic().to_owned(),
        said,
    })
}

fn answer_to<C: ClientContext>(
    client: &Client<C>,
    request: &Request,
    mode: Mode,
    timeout: Duration,
) -> Result<(), String> {
    let rk = client.native_ptr();
    let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX / 2);
    let options = options(rk, request, mode, timeout_ms)?;
    // SAFETY: `rk` lives as long as `client`; the queue is destroyed by its guard, before `client`.
    let queue = unsafe { Owned::new(rd::rd_kafka_queue_new(rk), rd::rd_kafka_queue_destroy) }?;
    match request {
        Request::CreateTopic {
            topic,
            partitions,
            replication,
            config,
        } => {
            let new = new_topic(topic, *partitions, *replication, config)?;
            let mut element = new.as_ptr();
            // SAFETY: one valid element; librdkafka copies it before the call returns.
            unsafe {
                rd::rd_kafka_CreateTopics(rk, &raw mut element, 1, options.as_ptr(), queue.as_ptr());
            }
        }
        Request::CreatePartitions { topic, total } => {
            let new = new_partitions(topic, *total)?;
            let mut element = new.as_ptr();
            // SAFETY: as above.
            unsafe {
                rd::rd_kafka_CreatePartitions(rk, &raw mut element, 1, options.as_ptr(), queue.as_ptr());
            }
        }
        Request::SetConfig { topic, config } => {
            let resource = config_resource(topic, config)?;
            let mut element = resource.as_ptr();
            let (options, queue) = (options.as_ptr(), queue.as_ptr());
            // SAFETY: as above.
            unsafe { rd::rd_kafka_IncrementalAlterConfigs(rk, &raw mut element, 1, options, queue) };
        }
    }
    // librdkafka itself ends the request at `timeout_ms`; the margin lets its answer come.
    // SAFETY: the queue is valid; the event is destroyed by its guard.
    let event = unsafe {
        Owned::new(
            rd::rd_kafka_queue_poll(queue.as_ptr(), timeout_ms.saturating_add(5_000)),
            rd::rd_kafka_event_destroy,
        )
    }
    .map_err(|_| "no answer in time".to_owned())?;
    read_answer(&event, request)
}

/// The error of the whole request, else that of its one topic.
fn read_answer(event: &Owned<rd::rd_kafka_event_t>, request: &Request) -> Result<(), String> {
    let event = event.as_ptr();
    // SAFETY: the event is valid, and all that is read here lives as long as it does. The result is that of the
    // request's own kind, or null; librdkafka gives as many elements as it says in `count`.
    unsafe {
        check(
            rd::rd_kafka_event_error(event),
            rd::rd_kafka_event_error_string(event),
        )?;
        let mut count = 0;
        let topics = match request {
            Request::SetConfig { .. } => {
                let result = rd::rd_kafka_event_IncrementalAlterConfigs_result(event);
                let resources = not_null(result).map(|result| {
                    rd::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count)
                })?;
                for index in 0..count {
                    let resource = *resources.add(index);
                    check(
                        rd::rd_kafka_ConfigResource_error(resource),
                        rd::rd_kafka_ConfigResource_error_string(resource),
                    )?;
                }
                return answered(count);
            }
            Request::CreateTopic { .. } => not_null(rd::rd_kafka_event_CreateTopics_result(event))
                .map(|result| rd::rd_kafka_CreateTopics_result_topics(result, &raw mut count))?,
            Request::CreatePartitions { .. } => {
                not_null(rd::rd_kafka_event_CreatePartitions_result(event))
                    .map(|result| rd::rd_kafka_CreatePartitions_result_topics(result, &raw mut count))?
            }
        };
        for index in 0..count {
            let topic = *topics.add(index);
            check(
                rd::rd_kafka_topic_result_error(topic),
                rd::rd_kafka_topic_result_error_string(topic),
            )?;
        }
        answered(count)
    }
}

fn answered(count: usize) -> Result<(), String> {
    if count == 0 {
        Err("the answer names no topic".to_owned())
    } else {
        Ok(())
    }
}

fn not_null<T>(pointer: *const T) -> Result<*const T, String> {
    if pointer.is_null() {
        Err("the answer is of another kind than the request".to_owned())
    } else {
        Ok(pointer)
    }
}

/// # Safety
///
/// `said` is null or a C string.
unsafe fn check(code: rd::rd_kafka_resp_err_t, said: *const c_char) -> Result<(), String> {
    if code == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    if said.is_null() {
        return Err(RDKafkaErrorCode::from(code).to_string());
    }
    // SAFETY: the caller's promise.
    Err(unsafe { CStr::from_ptr(said) }.to_string_lossy().into_owned())
}

fn options(
    rk: *mut rd::rd_kafka_t,
    request: &Request,
    mode: Mode,
    timeout_ms: c_int,
) -> Result<Owned<rd::rd_kafka_AdminOptions_t>, String> {
    use rd::rd_kafka_admin_op_t as Op;
    let operation = match request {
        Request::CreateTopic { .. } => Op::RD_KAFKA_ADMIN_OP_CREATETOPICS,
        Request::CreatePartitions { .. } => Op::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS,
        Request::SetConfig { .. } => Op::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS,
    };
    let mut said = [0; 512];
    let (buffer, size) = (said.as_mut_ptr(), said.len());
    // SAFETY: `rk` is valid; the buffer is as long as is said, and librdkafka ends its text with a null.
    unsafe {
        let options = Owned::new(
            rd::rd_kafka_AdminOptions_new(rk, operation),
            rd::rd_kafka_AdminOptions_destroy,
        )?;
        let pointer = options.as_ptr();
        check(
            rd::rd_kafka_AdminOptions_set_request_timeout(pointer, timeout_ms, buffer, size),
            buffer,
        )?;
        if !matches!(request, Request::SetConfig { .. }) {
            check(
                rd::rd_kafka_AdminOptions_set_operation_timeout(pointer, timeout_ms, buffer, size),
                buffer,
            )?;
        }
        let is_validation = c_int::from(mode == Mode::Validate);
        check(
            rd::rd_kafka_AdminOptions_set_validate_only(pointer, is_validation, buffer, size),
            buffer,
        )?;
        Ok(options)
    }
}

fn new_topic(
    topic: &str,
    partitions: i32,
    replication: i32,
    config: &[(String, String)],
) -> Result<Owned<rd::rd_kafka_NewTopic_t>, String> {
    let topic = c_string(topic)?;
    // SAFETY: C strings that outlive the calls, which copy them; no buffer for an error text is given.
    unsafe {
        let new = Owned::new(
            rd::rd_kafka_NewTopic_new(topic.as_ptr(), partitions, replication, ptr::null_mut(), 0),
            rd::rd_kafka_NewTopic_destroy,
        )?;
        for (key, value) in config {
            let (key, value) = (c_string(key)?, c_string(value)?);
            check(
                rd::rd_kafka_NewTopic_set_config(new.as_ptr(), key.as_ptr(), value.as_ptr()),
                ptr::null(),
            )?;
        }
        Ok(new)
    }
}

fn new_partitions(topic: &str, total: usize) -> Result<Owned<rd::rd_kafka_NewPartitions_t>, String> {
    let topic = c_string(topic)?;
    // SAFETY: as in `new_topic`.
    unsafe {
        Owned::new(
            rd::rd_kafka_NewPartitions_new(topic.as_ptr(), total, ptr::null_mut(), 0),
            rd::rd_kafka_NewPartitions_destroy,
        )
    }
}

fn config_resource(
    topic: &str,
    config: &[(String, String)],
) -> Result<Owned<rd::rd_kafka_ConfigResource_t>, String> {
    let topic = c_string(topic)?;
    // SAFETY: as in `new_topic`; an error is ours to destroy.
    unsafe {
        let resource = Owned::new(
            rd::rd_kafka_ConfigResource_new(
                rd::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC,
                topic.as_ptr(),
            ),
            rd::rd_kafka_ConfigResource_destroy,
        )?;
        for (key, value) in config {
            let (key, value) = (c_string(key)?, c_string(value)?);
            let error = rd::rd_kafka_ConfigResource_add_incremental_config(
                resource.as_ptr(),
                key.as_ptr(),
                rd::rd_kafka_AlterConfigOpType_t::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
                value.as_ptr(),
            );
            if let Ok(error) = Owned::new(error, rd::rd_kafka_error_destroy) {
                check(
                    rd::rd_kafka_error_code(error.as_ptr()),
                    rd::rd_kafka_error_string(error.as_ptr()),
                )?;
            }
        }
        Ok(resource)
    }
}

fn c_string(text: &str) -> Result<CString, String> {
    CString::new(text).map_err(|_| format!("{text:?} holds a null byte"))
}

/// Something of librdkafka's that we destroy.
struct Owned<T> {
    pointer: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// # Safety
    ///
    /// `pointer` is null or ours to destroy with `destroy`.
    unsafe fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Result<Self, String> {
        NonNull::new(pointer)
            .map(|pointer| Self { pointer, destroy })
            .ok_or_else(|| "librdkafka takes no such request".to_owned())
    }

    fn as_ptr(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the promise made to `new`.
        unsafe { (self.destroy)(self.as_ptr()) };
    }
}
