"""The examples and the demo, each run as its user runs it, in a process of its own.

The demo and fetch.py need nginx and openssl; where these are missing, the tests fail and say so.
"""

import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIMIT = 120  # seconds for one program


def run(*arguments: str, code: int = 0) -> str:
    """Run a program of examples/, which must end with `code` and no complaint; its output."""
    command = [sys.executable, str(EXAMPLES / arguments[0]), *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    if done.returncode != code or done.stderr:
        raise AssertionError(
            f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done.stdout


def listens(port: int) -> bool:
    """Whether anybody accepts connections on a port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Examples(unittest.TestCase):
    """Each prints what it shows."""

    def test_timeouts(self) -> None:
        *lines, last = run("timeouts.py").splitlines()
        self.assertEqual(
            lines,
            [
                "move_on_after: the event never came, cut: True",
                "fail_after: nobody sent anything, TimeoutError",
                "fail_after: done in time, cut: False",
                "shield: the goodbye was said after the deadline",
                "siblings: the patient one was cut",
                "siblings: the group raised ValueError('no such page')",
            ],
        )
        took = float(last.split()[-2])
        self.assertTrue(0.9 <= took < 10, last)  # none of the sleeps of 60 s was slept

    def test_pipeline(self) -> None:
        output = run("pipeline.py")
        self.assertIn("at most 4 at once\n", output)
        self.assertIn("sum of the squares below 20: 2470\n", output)
        took = re.match(r"20 jobs of 0.1 s in (\d+\.\d) s", output)
        assert took is not None, output
        self.assertTrue(0.5 <= float(took[1]) < 2.0, output)  # 2 s is one after the other

    def test_echo_server(self) -> None:
        output = run("echo_server.py")
        self.assertIn("100 clients at once, 2000 of 2000 answers are right\n", output)
        self.assertIn("the server was cancelled and stops\n", output)

    def test_fetch(self) -> None:
        output = run("fetch.py")
        self.assertRegex(output, r"failed: https://\S+/broken 500 Server Error")
        self.assertRegex(output, r"cut: https://\S+/hang")
        self.assertRegex(output, r"205 of 207 pages in \d+\.\d s;")


class Demo(unittest.TestCase):
    """A small demo from end to end."""

    output: str
    picture: ET.Element

    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "new" / "fibers.svg"
            cls.output = run("demo/run.py", "--pages", "40", "--delay", "0.5", "--svg", str(file))
            cls.picture = ET.fromstring(file.read_text())

    def row(self, name: str) -> list[str]:
        """The cells of a row of the table."""
        for line in self.output.splitlines():
            if line.startswith(name + "  "):
                return re.split(r"\s{2,}", line)[1:]
        raise AssertionError(f"no row {name} in\n{self.output}")

    def lines(self) -> list[ET.Element]:
        """The fibers of the picture."""
        return [line for line in self.picture.iter() if "fiber" in line.get("class", "").split()]

    def test_all_pages_came(self) -> None:
        self.assertEqual(self.row("pages fetched"), ["45", "45", "10"])
        self.assertEqual(self.row("failed / cut"), ["1 / 1"] * 3)
        self.assertIn("47 of 47 pages", self.output)
        self.assertNotIn("WRONG", self.output)

    def test_pages_are_fetched_at_once_in_few_threads(self) -> None:
        weft, threads, _ = (int(cell) for cell in self.row("OS threads (most)"))
        self.assertLess(weft, 10)
        self.assertGreater(threads, weft)
        at_once = [int(cell) for cell in self.row("pages under way (most)")]
        self.assertGreater(at_once[0], 20)
        self.assertEqual(at_once[2], 1)

    def test_sample_is_called_a_sample(self) -> None:
        self.assertRegex(self.row("wall time")[2], r"^~\d")
        self.assertIn("only 5 of the 40 pages were fetched", self.output)
        self.assertRegex(
            self.output,
            r"weft fetched 45 pages in \d+\.\d s with \d+ OS threads?; .*one by one took",
        )

    def test_picture_has_a_line_for_each_fiber(self) -> None:
        kinds = Counter(line.get("class") for line in self.lines())
        self.assertEqual(
            kinds, {"fiber ok": 40, "fiber async": 5, "fiber failed": 1, "fiber cut": 1}
        )
        self.assertEqual(len({line.get("y1") for line in self.lines()}), 47)
        for line in self.lines():
            x1, x2 = float(line.get("x1", "nan")), float(line.get("x2", "nan"))
            self.assertTrue(
                0 < x1 <= x2 <= float(self.picture.get("width", "0")), ET.tostring(line)
            )

    def test_picture_is_to_scale(self) -> None:
        marks = {
            float(text.text or "nan"): float(text.get("x", "nan"))
            for text in self.picture.iter("{http://www.w3.org/2000/svg}text")
            if text.get("class") == "mark"
        }
        last = max(marks)
        second = (marks[last] - marks[0.0]) / last
        cut = next(line for line in self.lines() if line.get("class") == "fiber cut")
        took = (float(cut.get("x2", "nan")) - float(cut.get("x1", "nan"))) / second
        said = re.search(r"cut after (\d+\.\d+) s", cut[0].text or "")
        assert said is not None, cut[0].text
        self.assertAlmostEqual(took, float(said[1]), delta=0.05)
        self.assertTrue(1.9 <= took < 10, f"cut after {took} s; its deadline is 2 s")

    def test_server_is_gone(self) -> None:
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", self.output)]
        self.assertEqual(len(ports), 2)
        self.assertFalse(any(listens(port) for port in ports))


class Interrupted(unittest.TestCase):
    """Ctrl-C in the middle."""

    def test_ctrl_c_ends_everything(self) -> None:
        command = [sys.executable, "-u", str(EXAMPLES / "demo/run.py"), "--pages", "40", "--delay", "0.5"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as demo:
            assert demo.stdout is not None
            first = demo.stdout.readline()
            ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", first)]
            served = [listens(port) for port in ports]
            demo.send_signal(signal.SIGINT)
            output, complaints = demo.communicate(timeout=LIMIT)
        self.assertEqual(served, [True, True], first)
        self.assertEqual((demo.returncode, complaints), (130, ""), output)
        self.assertTrue(output.endswith("stopped\n"), output)
        self.assertFalse(any(listens(port) for port in ports))


class Faults(unittest.TestCase):
    """The demo's own judgement can fail."""

    def test_missing_pages_are_named(self) -> None:
        program = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from demo.measure import Run; from demo.table import faults; from pages import Visit\n"
            "results = ['ok'] * 44 + ['failed'] * 3\n"
            "visits = [Visit('u', 'requests', 0.0, result=result) for result in results]\n"
            "run = Run('weft', 40, visits)\n"
            "print(*faults(run, 47), sep='\\n')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(EXAMPLES)],
            capture_output=True,
            text=True,
            check=True,
            timeout=LIMIT,
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "weft fibers: 44 pages ok, 45 expected",
                "weft fibers: 3 pages failed, 1 expected",
                "weft fibers: 0 pages cut, 1 expected",
            ],
        )


if __name__ == "__main__":
    unittest.main()
