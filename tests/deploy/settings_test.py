"""What the files of deploy/ set must be flags and variables of the programs as they are built."""

import os
import pathlib
import re
import subprocess
import unittest

DEPLOY = pathlib.Path("deploy")
FILES = [DEPLOY / "Dockerfile", DEPLOY / "compose.yaml", DEPLOY / "systemd/mixmatchd.service",
         DEPLOY / "debian/mixmatchd.toml"] + sorted(DEPLOY.glob("kubernetes/*/*.yaml"))
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")
VARIABLE = re.compile(r"\bMIXMATCH_[A-Z_]+\b")
# A line of the configuration file, or one that is there to be taken into use.
KEY = re.compile(r"^(?:# )?([a-z][a-z-]+) = ", re.MULTILINE)


def help_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class SettingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = help_of(os.environ["MIXMATCHD_PROGRAM"], "--help")
        client = help_of(os.environ["MIXMATCH_PROGRAM"], "--help")
        cls.flags = set(FLAG.findall(server))
        cls.variables = set(VARIABLE.findall(server)) | set(VARIABLE.findall(client))

    def test_variables_are_read_by_the_programs(self):
        seen = 0
        for file in FILES:
            for name in VARIABLE.findall(file.read_text()):
                self.assertIn(name, self.variables, file)
                seen += 1
        self.assertGreater(seen, 5)

    def test_flags_are_flags_of_the_server(self):
        unit = (DEPLOY / "systemd/mixmatchd.service").read_text()
        pod = (DEPLOY / "kubernetes/base/statefulset.yaml").read_text()
        started = re.search(r"^ExecStart=.*$", unit, re.MULTILINE).group()
        arguments = re.search(r"args:\n((?:\s+- .*\n)+)", pod).group(1)
        for lines in (started, arguments):
            flags = FLAG.findall(lines)
            self.assertTrue(flags)
            for name in flags:
                self.assertIn(name, self.flags)

    def test_keys_of_the_configuration_file_are_flags_of_the_server(self):
        keys = KEY.findall((DEPLOY / "debian/mixmatchd.toml").read_text())
        self.assertGreater(len(keys), 4)
        for key in keys:
            self.assertIn(key, self.flags)


if __name__ == "__main__":
    unittest.main()
