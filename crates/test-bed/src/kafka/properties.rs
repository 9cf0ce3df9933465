use super::node::Node;

/// `server.properties` of a node: as small and quick as tests want it, else Kafka's own defaults.
pub(super) fn server_properties(node: &Node, nodes: &[Node]) -> String {
    let controllers: Vec<_> = nodes.iter().map(Node::controller_address).collect();
    let replication = nodes.len().min(3);
    let in_sync = replication.div_ceil(2).max(1);
    format!(
        "process.roles=broker,controller
node.id={id}
controller.quorum.bootstrap.servers={controllers}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{address},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{address},CONTROLLER://{controller}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replication}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=3
offsets.topic.replication.factor={replication}
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={replication}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=6000
",
        id = node.id,
        controllers = controllers.join(","),
        address = node.address(),
        controller = node.controller_address(),
        data = node.folder.join("data").display(),
    )
}
