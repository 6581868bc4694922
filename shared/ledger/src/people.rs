//! Reaches people through an SNS topic.

use crate::failure::Operation;
use async_trait::async_trait;
use aws_sdk_sns::Client;
use engine::ports::CallError;
use engine::rotation::ports::People;

const TOPIC: &str = "the topic of the notices (NOTICE_TOPIC_ARN)";
const PUBLISH: Operation = Operation { name: "sns:Publish", actions: "sns:Publish", resource: TOPIC };
/// Characters of an e-mail's subject that SNS takes (API reference, Publish).
const LONGEST_SUBJECT: usize = 100;

/// The subscribers of a topic.
#[derive(Debug, Clone)]
pub struct SnsPeople {
    client: Client,
    topic: String,
}

impl SnsPeople {
    /// The topic of this ARN.
    pub fn new(client: Client, topic: String) -> Self {
        Self { client, topic }
    }
}

#[async_trait]
impl People for SnsPeople {
    async fn tell(&self, subject: &str, text: &str) -> Result<(), CallError> {
        let subject: String = subject.chars().filter(char::is_ascii).take(LONGEST_SUBJECT).collect();
        let request = self.client.publish().topic_arn(&self.topic).subject(subject).message(text);
        request.send().await.map(|_| ()).map_err(|error| PUBLISH.error(&self.topic, &error))
    }
}
