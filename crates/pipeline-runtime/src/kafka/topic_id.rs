//! Kafka's id of a topic, which changes when the topic is deleted and made anew.
#![expect(
    unsafe_code,
    reason = "rust-rdkafka has no safe call for DescribeTopics, librdkafka has"
)]

use std::ffi::{CStr, CString};
use std::ptr;
use std::time::Duration;

use rdkafka::client::Client;
use rdkafka::{ClientContext, bindings as ffi};

/// A pointer from librdkafka with the function that frees it.
struct Owned<T> {
    pointer: *mut T,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        (!pointer.is_null()).then_some(Self { pointer, destroy })
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer is not null, is of the type that `destroy` frees, and nobody else frees it.
        unsafe { (self.destroy)(self.pointer) }
    }
}

/// Asks the broker for the topic's id, in the base64 that Kafka's own tools print. Nothing if it will not say
/// (no permission to describe, a broker before 2.8, no answer in time). Blocks for up to `timeout`.
#[must_use]
pub fn topic_id<C: ClientContext>(client: &Client<C>, topic: &str, timeout: Duration) -> Option<String> {
    let client = client.native_ptr();
    let topic = CString::new(topic).ok()?;
    let timeout_ms = i32::try_from(timeout.as_millis()).ok()?;
    let mut names = [topic.as_ptr()];
    // SAFETY: each pointer is checked for null before use; what is owned is freed once, by `Owned`, in the reverse
    // order of its making; what is borrowed (result, description, id) lives as long as the event that it is from.
    unsafe {
        let topics = Owned::new(
            ffi::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            ffi::rd_kafka_TopicCollection_destroy,
        )?;
        let options = Owned::new(
            ffi::rd_kafka_AdminOptions_new(
                client,
                ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
            ),
            ffi::rd_kafka_AdminOptions_destroy,
        )?;
        ffi::rd_kafka_AdminOptions_set_request_timeout(options.pointer, timeout_ms, ptr::null_mut(), 0);
        let queue = Owned::new(ffi::rd_kafka_queue_new(client), ffi::rd_kafka_queue_destroy)?;
        ffi::rd_kafka_DescribeTopics(client, topics.pointer, options.pointer, queue.pointer);
        let event = Owned::new(
            ffi::rd_kafka_queue_poll(queue.pointer, timeout_ms),
            ffi::rd_kafka_event_destroy,
        )?;
        let result = ffi::rd_kafka_event_DescribeTopics_result(event.pointer);
        if result.is_null() {
            return None;
        }
        let mut count = 0;
        let descriptions = ffi::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if descriptions.is_null() || count == 0 {
            return None;
        }
        let id = ffi::rd_kafka_TopicDescription_topic_id(*descriptions);
        if id.is_null() {
            return None;
        }
        let text = ffi::rd_kafka_Uuid_base64str(id);
        if text.is_null() {
            return None;
        }
        let text = CStr::from_ptr(text).to_str().ok()?;
        // the id of all zeros, which stands for none
        (!text.is_empty() && text != "AAAAAAAAAAAAAAAAAAAAAA").then(|| text.to_owned())
    }
}
