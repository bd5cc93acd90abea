#!/usr/bin/env python3
"""What Kafka's consumer groups do when a consumer dies, leaves or is slow: measured here, beside what the documentation promises.

    kafka_lab.py                                     a table, from librdkafka's mock broker
    LABS_KAFKA=HOST:PORT kafka_lab.py                the same from a real cluster; topics and groups begin with `kafka-lab-`
    kafka_lab.py --table json                        one JSON document on standard output; progress on standard error

The consumers (kafka_consumer.py) are processes of their own, and the client library is the real one. The mock broker is a thread of this
process, listens on a TCP port of this machine's loopback, and keeps nothing on a disk; so what it shows is what the *client* does, and a
broker that follows the protocol. All that this program starts ends with it, also when it is killed.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import secrets
import select
import signal
import sys
import time

sys.dont_write_bytecode = True  # the folder of the labs may be shared

try:
    from confluent_kafka import Consumer, KafkaException, Producer, libversion
    from confluent_kafka.admin import AdminClient, NewTopic

    import supervisor
    from supervisor import Program, Row
except ImportError as missing:
    sys.exit(f"{missing}. `cargo labs setup --with celery` installs it; then run this with target/labs/celery/bin/python.")

PARTITIONS = 4  # what the mock broker makes
# In milliseconds. The defaults are 45 seconds and 5 minutes; real clusters take no session below 6 seconds.
SESSION = 6000
HEARTBEAT = 500
POLL_INTERVAL = 6000  # for those that are to be too slow: it may not be less than the session

SEMANTICS = "https://kafka.apache.org/documentation/#semantics"
CONSUMER = "https://kafka.apache.org/documentation/#consumerconfigs_"
CLOSE = "https://docs.confluent.io/platform/current/clients/confluent-kafka-python/html/index.html#confluent_kafka.Consumer.close"
CLIENT = "https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md"
REBALANCE = "https://github.com/confluentinc/librdkafka/blob/master/INTRODUCTION.md#consumer-groups"
MOCK = "https://github.com/confluentinc/librdkafka/blob/master/src/rdkafka_mock.h"


class Cluster:
    """The mock cluster, or the one that LABS_KAFKA names."""

    def __init__(self, servers):
        quiet = {"log_level": 0}
        self.is_mock = servers is None
        if self.is_mock:
            self.mock = Producer({"test.mock.num.brokers": 1, **quiet})  # as long as it lives, the broker does
            brokers = self.mock.list_topics(timeout=supervisor.DEADLINE).brokers.values()
            servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        self.servers = servers
        self.client = {"bootstrap.servers": servers, **quiet}
        self.producer = Producer(self.client)
        self.admin = AdminClient(self.client)
        self.topics = []

    def reach(self):
        """Ends the program with a sentence if no broker answers."""
        try:
            self.producer.list_topics(timeout=10)
        except KafkaException as error:
            sys.exit(
                f"No Kafka broker answers at {self.servers}: {error.args[0].str()}.\n"
                "Correct LABS_KAFKA=HOST:PORT, or unset it: then the client's own mock broker serves."
            )

    def topic(self, name):
        """A new topic with two messages in its first partition."""
        self.topics.append(name)
        if not self.is_mock:  # a mock broker makes a topic when somebody asks for it
            self.admin.create_topics([NewTopic(name, PARTITIONS)])[name].result(supervisor.DEADLINE)
        for number in range(2):
            self.producer.produce(name, f"task {number}", partition=0)
        if self.producer.flush(supervisor.DEADLINE):
            raise supervisor.TooLate("the broker does not take messages")

    def remove_topics(self):
        if not self.is_mock:
            for gone in self.admin.delete_topics(self.topics).values():
                with contextlib.suppress(KafkaException):
                    gone.result(supervisor.DEADLINE)


class Group:
    """A topic of its own and a consumer group of its own: experiments run side by side."""

    def __init__(self, cluster, name, **settings):
        self.cluster, self.name = cluster, name
        cluster.topic(name)
        self.settings = {
            **cluster.client,
            "group.id": name,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": SESSION,
            "heartbeat.interval.ms": HEARTBEAT,
            **{key.replace("_", "."): value for key, value in settings.items()},
        }

    def consumer(self):
        return Program("kafka_consumer.py", talks=True, LAB_TOPIC=self.name, LAB_SETTINGS=json.dumps(self.settings))

    def successor_works(self):
        """Another consumer does what is left, up to the second message. Returns how often it had the first one."""
        effects = 0
        with self.consumer() as successor:
            while successor.do("take")["offset"] == 0:
                successor.do("work")
                effects += 1
            successor.do("close")
        return effects


def times(count):
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def committed(new_group, before, killed):
    """kill -9, the offset committed {when} the work: {killed}"""
    group = new_group()
    effects = 0
    steps = ["take", "commit", "work"] if before else ["take", "work", "commit"]
    with group.consumer() as first:
        for step in steps:
            answer = first.do(step)
            if answer.get("error"):
                raise RuntimeError(f"the commit failed: {answer['error']}")
            effects += step == "work"
            if killed == f"after {step}":
                break
        first.send(signal.SIGKILL)
        first.wait("after KILL")
    effects += group.successor_works()
    expected = {"after commit": 0 if before else 1, "after work": 1 if before else 2, "after take": 1}[killed]
    yield Row(
        "kill -9 of a consumer",
        f"offset committed {'before' if before else 'after'} the work: killed {killed}",
        "at most once" if before and killed != "after take" else "at least once",
        SEMANTICS,
        effects=effects,
        seen=f"the effect happened {times(effects)}",
        held=effects == expected,
    )


def leaving(new_group):
    """A consumer closes, or is killed: how long until the other has its partitions"""
    heard, took = {}, {}
    for how in ["close", "kill -9"]:
        group = new_group(how.split()[0])
        with group.consumer() as one, group.consumer() as other:
            for each in [one, other]:
                each.ask(f"own {PARTITIONS // 2}")
            for each in [one, other]:
                each.answer()
            other.ask(f"own {PARTITIONS}")
            if how == "close":
                left = one.do("close")["at"]
            else:
                left = time.monotonic()
                one.send(signal.SIGKILL)
            answer = other.answer()
            heard[how], took[how] = answer["heard"] - left, answer["at"] - left
    for how, promise, source in [
        ("close", "the consumer leaves the group, and the others take over at their next heartbeat", CLOSE),
        ("kill -9", "the broker waits for heartbeats until the session has timed out", CONSUMER + "session.timeout.ms"),
    ]:
        ratio = heard["kill -9"] / heard["close"]
        yield Row(
            "leaving a group",
            f"two consumers, {PARTITIONS} partitions; one ends by {how}",
            promise,
            source,
            seen=f"after {heard[how]:.2f} s the other one hears of it, after {took[how]:.2f} s it has all partitions"
            + (f"; it hears of it {ratio:.0f} times as late as after close" if how != "close" else ""),
            # The session began at the last heartbeat, up to 0.5 s before the kill.
            held=heard[how] < heard["kill -9"] if how == "close" else heard[how] > (SESSION - HEARTBEAT) / 1000,
            seconds={
                "until the other one hears of it": round(heard[how], 2),
                "until it has all partitions": round(took[how], 2),
                "session timeout": SESSION / 1000,
                "heartbeat interval": HEARTBEAT / 1000,
            },
        )


def rebalance(new_group, polls):
    """A second consumer joins while a task is in hand: {how}"""
    group = new_group()
    with contextlib.ExitStack() as both:
        one = both.enter_context(group.consumer())
        one.do("take")
        other = both.enter_context(group.consumer())
        other.ask(f"own {PARTITIONS // 2}")
        if polls:  # the partitions go in the middle of the task, and its offset is not committed yet
            one.do("give up")
            one.do("work")
        else:
            one.do("work")
            commit = one.do("commit")["error"]
            one.do("give up")
        effects = 1
        one.ask(f"own {PARTITIONS // 2}")
        one.answer()
        other.answer()
        # Whoever owns the first partition now goes on from the committed offset.
        for each in [one, other]:
            each.ask("take")
        supervisor.until("somebody goes on", lambda: select.select([one.process.stdout, other.process.stdout], [], [], 0)[0])
        ready, _, _ = select.select([one.process.stdout, other.process.stdout], [], [], 0)
        goes_on = one if one.process.stdout in ready else other
        offset = goes_on.answer()["offset"]
        if offset == 0:
            goes_on.do("work")
            effects += 1
            commit = goes_on.do("commit")["error"]
    how = "goes on polling, from another thread, say" if polls else "does not poll until it has committed"
    yield Row(
        "rebalance",
        f"a second consumer joins while the first has a task in hand and {how}",
        "partitions move with what is not committed: done again" if polls else "the rebalance waits for the consumer's next poll",
        REBALANCE,
        effects=effects,
        seen=f"the effect happened {times(effects)}; after the rebalance the group went on with message {offset}; commit: {commit or 'taken'}",
        held=effects == (2 if polls else 1),
    )


def slow(new_group):
    """A consumer is too slow between two polls"""
    group = new_group(max_poll_interval_ms=POLL_INTERVAL)
    with group.consumer() as one:
        one.do("take")
        with group.consumer() as other:
            begin = time.monotonic()
            offset = other.do("take")["offset"]  # the first one has been thrown out with the task in its hand
            thrown_out = time.monotonic() - begin
            one.do("work")
            late = one.do("commit")["error"]
            other.do("work")
            good = other.do("commit")["error"]
    effects = 1 + (offset == 0)
    yield Row(
        "slow consumer",
        "a task takes longer than max.poll.interval.ms; its consumer lives and sends heartbeats",
        "the consumer is thrown out of the group, another one gets its partitions, and its commit fails",
        CONSUMER + "max.poll.interval.ms",
        effects=effects,
        seen=f"the effect happened {times(effects)}; the slow one's commit: {late or 'taken'}; the other's commit: {good or 'taken'}",
        held=effects == 2 and late is not None and good is None,
        seconds={"max.poll.interval": POLL_INTERVAL / 1000, "until the other has the task": round(thrown_out, 2)},
    )


def unsupported(cluster):
    """What the mock broker does not do"""
    if not cluster.is_mock:
        return
    try:
        cluster.admin.create_topics([NewTopic("kafka-lab-mock", PARTITIONS)], request_timeout=2)["kafka-lab-mock"].result(5)
        said = "it does"
    except KafkaException as error:
        said = f"not supported: {error.args[0].name()}. Topics are made when they are asked for, with {PARTITIONS} partitions"
    yield Row("mock broker", "create a topic", "", MOCK, seen=said)
    # rd_kafka_mock_cgrp_classic_rebalance in src/rdkafka_mock_cgrp.c: no experiment can tell this from a slow consumer.
    seen = "it waits 3 s for more members when a group begins, and at each later rebalance 1 s less than the session timeout; a real broker goes "
    yield Row("mock broker", "end a rebalance when all members are there", "", MOCK, seen=seen + "on as soon as all have joined again")
    for what in ["keep messages on a disk, or on several brokers", "static members (group.instance.id), the group protocol of Kafka 4"]:
        yield Row("mock broker", what, "", MOCK, seen="not tried: use a real cluster, LABS_KAFKA=HOST:PORT")


def client():
    """What the installed client says of itself"""
    words = " ".join(Consumer.close.__doc__.split())
    text = "Leaves the consumer group"
    yield Row(
        "sources",
        "closing a consumer leaves the group: no pill, but a message to the coordinator",
        f"the documentation of Consumer.close contains `{text}`",
        f"confluent-kafka {importlib.metadata.version('confluent-kafka')}, Consumer.close.__doc__",
        seen=words[:300],
        held=text.lower() in words.lower(),
    )


def all_experiments(cluster, run):
    """The experiments, each as a function without arguments."""
    names = iter(range(1000))

    def prepared(what, words=None, **settings):
        name = f"kafka-lab-{run}-{what.__name__}-{next(names)}"

        def experiment():
            yield from what(lambda part="", **more: Group(cluster, f"{name}{part}", **more), **settings)

        experiment.__name__ = what.__name__
        experiment.__doc__ = what.__doc__.format(**settings, **(words or {}))
        return experiment

    def about_the_mock():
        yield from unsupported(cluster)

    about_the_mock.__doc__ = unsupported.__doc__
    return [
        prepared(slow),
        prepared(leaving),
        *(prepared(rebalance, {"how": "it polls" if polls else "it is busy"}, polls=polls) for polls in [False, True]),
        *(prepared(committed, {"when": "before"}, before=True, killed=killed) for killed in ["after take", "after commit", "after work"]),
        *(prepared(committed, {"when": "after"}, before=False, killed=killed) for killed in ["after take", "after work", "after commit"]),
        about_the_mock,
        client,
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=["text", "json", "lines"], default="text", help="the form of the table")
    parser.add_argument("--only", metavar="WORD", help="only the experiments whose name contains this word")
    arguments = parser.parse_args()
    supervisor.end_on_signals()

    cluster = Cluster(os.environ.get("LABS_KAFKA") or None)
    cluster.reach()
    where = "librdkafka's MOCK broker, in this process, on loopback TCP" if cluster.is_mock else f"the cluster {cluster.servers}"
    print(f"Broker: {where}", file=sys.stderr, flush=True)
    wanted = [each for each in all_experiments(cluster, secrets.token_hex(4)) if not arguments.only or arguments.only in each.__name__]
    if not wanted:
        sys.exit("No experiment's name contains that word.")
    document = supervisor.run(
        wanted,
        {
            "lab": "kafka",
            "broker": where,
            "mock": cluster.is_mock,
            "versions": {"confluent-kafka": importlib.metadata.version("confluent-kafka"), "librdkafka": libversion()[0]},
        },
        side_by_side=12,  # they wait most of the time
        progress=sys.stdout if arguments.table == "lines" else sys.stderr,
    )
    cluster.remove_topics()
    supervisor.show(document, arguments.table)


if __name__ == "__main__":
    main()
