"""A real Kafka consumer that does one thing at a time, as `kafka_lab.py` tells it: an order a line, an answer a line.

    take       polls until there is a message, and says which
    work       the effect: saying that it has happened
    commit     commits the offset behind that message, and waits for the answer
    own N      polls until it owns N partitions, and says when it heard that the group changes; messages wait until it takes them
    give up    polls, with its task in hand, until its partitions are taken away from it
    close      closes the consumer

Between orders it does not poll, like a consumer that is busy with a task; only after `own` it does, like one that has none. Its client sends
heartbeats from a thread of its own.
"""

import json
import os
import select
import sys
import time

import supervisor

supervisor.stop_with_parent()  # before the slow imports: a supervisor may be killed at any moment

from confluent_kafka import Consumer, KafkaException  # noqa: E402


class Partitions:
    """What this consumer owns, as the callbacks of the client tell it."""

    def __init__(self):
        self.owned, self.paused, self.taken_away, self.heard = [], False, 0, None

    def assigned(self, consumer, partitions):
        self.owned = partitions
        consumer.assign(partitions)
        self.pause(consumer, self.paused)

    def revoked(self, consumer, _):
        self.owned, self.taken_away, self.heard = [], self.taken_away + 1, time.monotonic()
        consumer.unassign()

    def pause(self, consumer, paused):
        """Whether messages wait while it polls."""
        self.paused = paused
        (consumer.pause if paused else consumer.resume)(self.owned)


def main():
    settings = json.loads(os.environ["LAB_SETTINGS"])
    consumer, partitions = Consumer(settings), Partitions()
    consumer.subscribe(
        [os.environ["LAB_TOPIC"]],
        on_assign=partitions.assigned,
        on_revoke=partitions.revoked,
        on_lost=partitions.revoked,
    )
    message = None

    def poll():
        found = consumer.poll(0.05)
        if found is not None and found.error():
            raise KafkaException(found.error())
        return found

    def orders():
        idle = False
        while True:
            while idle and not select.select([sys.stdin], [], [], 0)[0]:
                poll()
            if not (line := sys.stdin.readline()):
                return
            order = line.strip()
            yield order
            idle = order.startswith("own ")

    for order in orders():
        answer = {}
        if order != "close":
            partitions.pause(consumer, order != "take")
        if order == "take":
            while (message := poll()) is None:
                pass
            answer = {"offset": message.offset()}
        elif order == "commit":
            try:
                consumer.commit(message=message, asynchronous=False)
                answer = {"error": None}
            except KafkaException as error:
                answer = {"error": error.args[0].name()}
        elif order.startswith("own "):
            while len(partitions.owned) != int(order.removeprefix("own ")):
                poll()
            answer = {"heard": partitions.heard}
        elif order == "give up":
            before = partitions.taken_away
            while partitions.taken_away == before:
                poll()
        elif order == "close":
            consumer.close()
        print(json.dumps({**answer, "at": time.monotonic()}), flush=True)  # Linux has one monotonic clock for all processes


if __name__ == "__main__":
    main()
