"""One client for all notebook kernels alike: what a person waits for, and what it takes in memory.

    kernels.py measure KIND …    one kernel, once; a JSON object with seconds and bytes
    kernels.py twice KIND …      one kernel, in which everything that a student meets happens twice; a JSON object with pairs of seconds
    kernels.py many KIND …       many at once, each with its figure; a JSON object after each
    kernels.py warm crates …     one kernel whose crates were compiled before, to the end of its first cell; a JSON object

KIND is `labs`, `stock` (plain evcxr, cold, with the labs' crates), `stock-bare` (the same without any crate), `crates` (the same with
the crates that are named) or `ipykernel`.
Nothing is written but to the scratch folder. It runs in the Python environment that `cargo labs setup` makes.
"""

import argparse
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import types

from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

PATIENCE = 300  # seconds for anything

RUST_FIRST = 'println!("{}", machine());\nlet answer = 6 * 7;\nanswer'
RUST_FIGURE = """let squares = Lines::new("Squares").x("n").y("n²").series("n²", (1..=10).map(|n| (f64::from(n), f64::from(n * n * NUMBER))));
squares"""

# Without a crate a cell can still show a picture: evcxr reads it from standard output.
BARE_FIRST = 'println!("{:?}", std::thread::available_parallelism());\nlet answer = 6 * 7;\nanswer'
BARE_FIGURE = """let points: Vec<String> = (1..=10).map(|n| format!("{},{}", n, n * n * NUMBER)).collect();
println!("EVCXR_BEGIN_CONTENT image/svg+xml\\n<svg xmlns='http://www.w3.org/2000/svg'><polyline points='{}'/></svg>\\nEVCXR_END_CONTENT", points.join(" "));"""

PYTHON_FIRST = "import os\nprint(os.cpu_count())\nanswer = 6 * 7\nanswer"
PYTHON_FIGURE = """import matplotlib.pyplot as plt
plt.plot(range(1, 11), [n * n * NUMBER for n in range(1, 11)]); plt.title("Squares"); plt.show()"""

CELLS = {
    "labs": (RUST_FIRST, RUST_FIGURE),
    "stock": (RUST_FIRST, RUST_FIGURE),
    "stock-bare": (BARE_FIRST, BARE_FIGURE),
    "crates": (BARE_FIRST, BARE_FIGURE),
    "ipykernel": (PYTHON_FIRST, PYTHON_FIGURE),
}


# What a student meets, mostly by mistake; the number is another one each time, so that no two cells are the same. Each: the code, and
# how it ends.
TWICE = {
    "a missing semicolon": ("let x = NUMBER\nx", "error"),
    "an unknown function": ("no_such_function(NUMBER);", "error"),
    "a missing semicolon after a spawn": ("let crew = Workers::spawn(NUMBER, |_| ())?\ncrew.join()?;", "error"),
    "a closure in a variable": ("let twice = |n: u64| n * NUMBER;", "error"),
    "a failed question mark": ('"NUMBER x".parse::<u64>()?;', "error"),
    "a panic": ('panic!("NUMBER");', "error"),
    "an interrupt": ('println!("NUMBER"); loop {}', "interrupt"),
    "Tab": ("let list = vec![NUMBER]; list.le", "complete"),
    "a figure": (RUST_FIGURE, "ok"),
    "a print": ('println!("{}", NUMBER);', "ok"),
    "an await": ("async fn number() -> u32 { NUMBER }\nnumber().await", "ok"),
    ":dep": (':dep serde_json = "1"\nserde_json::to_string(&NUMBER)?', "ok"),
}


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Kernel:
    def __init__(self, kind, options, number=0):
        self.scratch = pathlib.Path(options.scratch) / ("%s-%d-%d" % (kind, os.getpid(), number))
        self.scratch.mkdir(parents=True)
        self.first, self.figure_cell = CELLS[kind]
        # No run's figures are those of another run, whose cells the labs may have kept.
        self.base = random.randrange(1000, 100_000)
        file = str(self.scratch / "connection.json")
        write_connection_file(file)
        environment = dict(os.environ, LABS_JOURNAL="")
        if options.what == "twice":
            environment["LABS_CELLS"] = ""  # nothing was compiled before
        if kind == "labs":
            command = [options.labs, "kernel", "--connection-file", file]
        elif kind == "ipykernel":
            command = [options.python, "-m", "ipykernel_launcher", "-f", file]
            environment.update(IPYTHONDIR=str(self.scratch), MPLCONFIGDIR=os.path.dirname(os.path.dirname(options.python)))
        else:
            command = [str(pathlib.Path(options.labs).with_name("labs-evcxr")), "--control_file", file]
            configuration = self.scratch / "config"
            configuration.mkdir()
            evaluation = self.scratch / "eval"
            if kind == "crates":
                evaluation = pathlib.Path(options.compiled)
                (configuration / "evcxr.toml").write_text("[dependencies]\n" + options.crates)
                # The library's sources as the labs have them.
                environment.update(
                    RUST_SRC_PATH=str(pathlib.Path(sys.prefix).parent / "rust-src" / "library"), RUSTFLAGS=options.flags
                )
            if kind == "stock":
                notebooks = pathlib.Path(options.workspace) / "notebooks"
                text = (notebooks / "evcxr.toml").read_text()
                (configuration / "evcxr.toml").write_text(text.replace('"../', '"%s/' % notebooks.parent))
            environment.update(
                JUPYTER_PATH=str(self.scratch),
                EVCXR_TMPDIR=str(evaluation),
                EVCXR_CONFIG_DIR=str(configuration),
            )
        self.begun = time.monotonic()
        self.log = open(self.scratch / "log", "w")
        # In the scratch folder no configuration lies beside the notebook.
        self.process = subprocess.Popen(
            command, cwd=self.scratch, env=environment, stdout=self.log, stderr=self.log, preexec_fn=end_with_parent
        )
        self.client = BlockingKernelClient(connection_file=file)
        self.client.load_connection_file()
        self.client.start_channels()
        try:
            self.ready()
        except BaseException:
            self.end()
            raise

    def ready(self):
        """Asks until it answers: a kernel that is still starting has not bound its sockets."""
        while True:
            self.client.kernel_info()
            try:
                self.client.get_shell_msg(timeout=0.5)
                break
            except Exception:
                if self.process.poll() is not None or time.monotonic() > self.begun + PATIENCE:
                    raise RuntimeError("the kernel did not start: %s" % (self.scratch / "log").read_text()[-500:])
        self.info = time.monotonic() - self.begun
        # Until it is heard on iopub, too: what a cell shows must not be missed. Then nothing old may be left.
        while True:
            self.client.kernel_info()
            try:
                self.client.get_iopub_msg(timeout=0.2)
                break
            except Exception:
                continue
        time.sleep(0.2)
        for take in (self.client.get_iopub_msg, self.client.get_shell_msg):
            try:
                while True:
                    take(timeout=0)
            except Exception:
                pass

    def messages(self, cell):
        """Runs a cell; what is published for it, to its end."""
        deadline = time.monotonic() + PATIENCE
        request = self.client.execute(cell)
        while True:
            message = self.client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0.01))
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return
            yield message

    def run(self, cell):
        """Seconds to its end, and to its picture where it shows one."""
        begun, shown = time.monotonic(), None
        for message in self.messages(cell):
            content = message["content"]
            if message["msg_type"] == "error":
                raise RuntimeError("a cell failed: %s" % content["evalue"])
            if any(kind.startswith("image/") for kind in content.get("data", {})) and shown is None:
                shown = time.monotonic() - begun
        return time.monotonic() - begun, shown

    def ending(self, code, how):
        """Seconds until `code` has ended as it should: from the interrupt on where it is interrupted, to the answer where it is completed."""
        begun = time.monotonic()
        if how == "complete":
            request = self.client.complete(code)
            while True:
                reply = self.client.get_shell_msg(timeout=PATIENCE)
                if reply["parent_header"].get("msg_id") == request:
                    if not reply["content"]["matches"]:
                        raise RuntimeError("%s is completed to nothing" % code)
                    return time.monotonic() - begun
        ended = "ok"
        for message in self.messages(code):
            if message["msg_type"] == "stream" and how == "interrupt":
                begun = time.monotonic()
                self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))
            elif message["msg_type"] == "error":
                ended = "interrupt" if how == "interrupt" else "error"
        if ended != how:
            raise RuntimeError("%s ended with %s" % (code, ended))
        return time.monotonic() - begun

    def figure(self, number):
        end, shown = self.run(self.figure_cell.replace("NUMBER", str(self.base + number)))
        if shown is None:
            raise RuntimeError("no figure came; %s" % (self.scratch / "log").read_text()[-500:])
        return shown

    def end(self):
        try:
            self.client.shutdown()
            self.process.wait(5)
        except Exception:
            pass
        self.client.stop_channels()
        self.process.kill()
        self.process.wait()
        self.log.close()


def children_of():
    """Process numbers by their parent's."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry) as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry))
    return children


def tree(pid):
    children, found = children_of(), [pid]
    for each in found:
        found.extend(children.get(each, []))
    return found


def of_all(pid, file, number):
    """The sum of what `number` reads in `file` of a process and of all below it."""
    total = 0
    for each in tree(pid):
        try:
            with open("/proc/%d/%s" % (each, file)) as opened:
                total += number(opened.read())
        except (OSError, IndexError):
            pass  # it ended
    return total


def memory(pid):
    """Proportional set size, in bytes: what is shared counts once."""
    return of_all(pid, "smaps_rollup", lambda text: 1024 * int(text.split("\nPss:")[1].split()[0]))


def busy(pid):
    """Clock ticks."""
    return of_all(pid, "stat", lambda text: sum(int(word) for word in text.rsplit(")", 1)[1].split()[11:15]))


def wait_for_spare(options):
    """Starts a keeper as Jupyter's server does, and waits until it has started a spare kernel and all below it has come to rest."""
    sys.path.insert(0, str(pathlib.Path(options.workspace) / "kernel" / "jupyter"))
    import labs_keeper

    spec = types.SimpleNamespace(argv=[options.labs, "kernel"], env={"LABS_JOURNAL": ""}, resource_dir=options.workspace)
    keeper, deadline = labs_keeper.keep(spec).pid, time.monotonic() + PATIENCE
    rested = 0
    while rested < 2 and time.monotonic() < deadline:
        before = busy(keeper)
        time.sleep(1)
        others = [pid for pid in tree(keeper) if pid != keeper]
        rested = rested + 1 if len(others) >= 2 and busy(keeper) - before <= 4 else 0
    if rested < 2:
        raise RuntimeError("no spare kernel came to rest; is LABS_SPARE_KERNELS=0 set, or memory short?")


def measure(options):
    if options.spare:
        wait_for_spare(options)
    kernel = Kernel(options.kind, options)
    try:
        sum_of, _ = kernel.run("1 + 1")
        first, _ = kernel.run(kernel.first)
        shown = kernel.figure(1)
        used = memory(kernel.process.pid)
        edits = sorted(kernel.figure(number) for number in range(2, 2 + options.edits))
        return {
            "info": kernel.info,
            "idle": kernel.info + sum_of,
            "first": first,
            "figure": kernel.info + sum_of + first + shown,
            "edited": edits[len(edits) // 2],
            "memory": used,
        }
    finally:
        kernel.end()


def twice(options):
    kernel = Kernel(options.kind, options)
    try:
        kernel.run("1 + 1")
        return {
            what: [kernel.ending(code.replace("NUMBER", number), how) for number in ("3", "4")]
            for what, (code, how) in TWICE.items()
        }
    finally:
        kernel.end()


def warm(options):
    compiled = pathlib.Path(options.compiled)
    starts = 1 if compiled.exists() else 2
    if starts == 2:
        compiled.mkdir()
        shutil.copy(pathlib.Path(options.workspace) / "Cargo.lock", compiled)  # the same versions
    for number in range(starts):
        kernel = Kernel(options.kind, options, number)
        try:
            took, _ = kernel.run(kernel.first)
            took += kernel.info
        finally:
            kernel.end()
    return {"seconds": took}


def available():
    with open("/proc/meminfo") as info:
        for line in info:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def many(options):
    kernels = []
    try:
        for number in range(options.count):
            total = sum(memory(kernel.process.pid) for kernel in kernels)
            each = total / len(kernels) if kernels else 8e8
            if available() < 2 * each:
                print(json.dumps({"stopped": "%d MB are left, and a notebook takes %d" % (available() / 1e6, each / 1e6)}))
                return
            kernel = Kernel(options.kind, options, number)
            kernels.append(kernel)
            kernel.run("1 + 1")
            kernel.run(kernel.first)
            kernel.figure(1)
            took = time.monotonic() - kernel.begun
            total = sum(memory(kernel.process.pid) for kernel in kernels)
            print(json.dumps({"count": len(kernels), "seconds": took, "memory": total}), flush=True)
    finally:
        for kernel in kernels:
            kernel.end()


# What stands above a cell, one line for each cell before it.
ABOVE = {
    "variables": "let v%d = vec![%du32; 3];",
    "functions": "fn f%d(x: u32) -> u32 { (0..x).map(|y| y * %d).sum() }",
    "figures": 'let p%d = Lines::new("S").series("s", (1..=10).map(|n| (f64::from(n), f64::from(n * %d)))); p%d.clone()',
}


def long(options):
    """How long a short cell takes when so many cells stand above it."""
    counts = [int(count) for count in options.counts.split(",")]
    for what, line in ABOVE.items():
        kernel = Kernel(options.kind, options, list(ABOVE).index(what))
        try:
            done = 0
            for count in counts:
                for number in range(done, count):
                    kernel.run(line.replace("%d", str(number)))
                done = count
                took = sorted(
                    kernel.run('println!("{}", %d);' % (kernel.base + count * 10 + again))[0] for again in range(options.edits)
                )
                print(json.dumps({"what": what, "count": count, "seconds": took[len(took) // 2]}), flush=True)
        finally:
            kernel.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["measure", "twice", "many", "warm", "long"])
    parser.add_argument("kind", choices=list(CELLS))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--counts", default="1,10,30,100", help="how many cells stand above, for `long`")
    parser.add_argument("--edits", type=int, default=10)
    parser.add_argument("--labs", required=True, help="the program `labs`")
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--python", help="the Python with ipykernel and matplotlib")
    parser.add_argument("--spare", action="store_true", help="keep a spare kernel, and wait for it first")
    parser.add_argument("--crates", default="", help="what `crates` depends on, as lines of TOML")
    parser.add_argument("--flags", default="", help="the RUSTFLAGS that rust-analyzer's call of cargo sees with `crates`")
    parser.add_argument("--compiled", help="the folder where `crates` keeps what it has compiled")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.what in ("many", "long"):
        {"many": many, "long": long}[options.what](options)
    else:
        once = {"measure": measure, "twice": twice, "warm": warm}[options.what]
        print(json.dumps(once(options)), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
