"""The layering rule holds in this tree, and its checker sees every kind of breach in a fabricated one."""

import pathlib
import tempfile
import unittest

from tests import layering

ROOT = pathlib.Path(__file__).parent.parent


class LayeringTest(unittest.TestCase):
    def test_this_tree_keeps_the_rule(self):
        self.assertEqual([f"{v.path}:{v.line}: {v.message}" for v in layering.check(ROOT)], [])

    def test_this_tree_has_sources_to_check(self):
        self.assertTrue(list((ROOT / "proto").rglob("*.h")))


class CheckerTest(unittest.TestCase):
    def violations(self, path: str, text: str):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True)
            file.write_text(text)
            return layering.check(pathlib.Path(folder))

    def test_each_forbidden_include_is_seen(self):
        for path, included in (("index/a.h", "model/head/head.h"), ("model/a.cc", "index/vector_index.h"),
                               ("client/a.cc", "server/a.h"), ("client/a.cc", "index/a.h"),
                               ("proto/a.h", "index/a.h"), ("index/a.cc", "server/a.h"),
                               ("server/a.cc", "faiss/IndexHNSW.h"), ("index/vector/a.cc", "rocksdb/db.h"),
                               ("server/a.cc", "torch/torch.h"), ("index/a.cc", "ATen/ATen.h"),
                               ("server/a.cc", "libavcodec/avcodec.h"), ("client/a.cc", "libswscale/swscale.h"),
                               ("server/a.cc", "tests/fake.h")):
            for text in (f'#include "{included}"\n', f"  # include <{included}>\n"):
                found = self.violations(path, text)
                self.assertEqual([(v.path, v.line) for v in found], [(path, 1)], (path, included))

    def test_each_forbidden_name_is_seen(self):
        for path, text in (("server/a.cc", "\nfaiss::Index* i;\n"), ("index/vector/a.h", "\nrocksdb::DB* db;\n"),
                           ("server/a.cc", "\ntorch::Tensor t;\n"), ("index/a.cc", "\nav_frame_alloc();\n")):
            self.assertEqual([v.line for v in self.violations(path, text)], [2], text)

    def test_what_is_allowed_is_not_seen(self):
        for path, text in (("index/a.cc", '#include "index/b.h"\n#include "proto/base/status_macros.h"\nfaiss::Index* i;'),
                           ("index/store/a.cc", "#include <rocksdb/db.h>\n"), ("server/a.cc", '#include "model/a.h"\n'),
                           ("model/media/a.cc", "#include <libavformat/avformat.h>\n"),
                           ("client/a.cc", '#include "mixmatch/v1/item.pb.h"\n'),
                           ("server/a.cc", '// faiss::Index\n/* torch::Tensor\n */ Log("rocksdb::DB");\n')):
            self.assertEqual(self.violations(path, text), [], (path, text))


if __name__ == "__main__":
    unittest.main()
