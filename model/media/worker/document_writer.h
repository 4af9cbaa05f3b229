// Collects the blocks of a document within its limits and writes them in one go.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_DOCUMENT_WRITER_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_DOCUMENT_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/media/blocks.h"
#include "model/media/wire.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Calls come in the order of reading. Errors are RESOURCE_EXHAUSTED, with the limit that was reached.
class DocumentWriter {
 public:
  explicit DocumentWriter(const WireRequest& request) : request_(request) {}

  // Of what follows; from 1.
  void SetPage(int page) { page_ = page; }

  // Where on its page what follows is, as shares of the page; all 0: not known.
  void SetBox(float left, float top, float right, float bottom) { box_ = {left, top, right, bottom}; }

  // White space is folded; a text without words is left out.
  absl::Status Text(absl::string_view utf8);
  absl::Status Heading(absl::string_view utf8);
  // Describes the last figure or table.
  absl::Status Caption(absl::string_view utf8);
  // Describes the figure or table that comes next, if one comes on this page.
  absl::Status CaptionOfNext(absl::string_view utf8);
  // No figure or table belongs to the last CaptionOfNext().
  void NoNext() { awaiting_ = -1; }
  // The bytes of a picture file. Left out: what cannot be decoded, and icons (up to 32 pixels a side).
  absl::Status Figure(std::string file);
  absl::Status Cover(std::string file);
  // A decoded picture. Beyond request.max_scan_bytes scans are left out.
  absl::Status Add(DecodedBlock::Kind kind, Picture picture);
  // Without columns or rows it is left out.
  absl::Status Table(DecodedTable table);

  // Whether the last Figure(), Table() or Add() is in the document.
  bool added() const { return added_; }
  // Figures and tables so far.
  int described() const { return described_count_; }

  // Writes all and the end of the response. INVALID_ARGUMENT if there is nothing.
  absl::Status Finish(absl::string_view media_type, ResponseWriter* writer);

 private:
  struct Place {
    float left = 0, top = 0, right = 0, bottom = 0;
  };
  struct Entry {
    DecodedBlock block;
    Picture picture;
  };
  absl::Status Append(DecodedBlock block, Picture picture = {});
  absl::Status AppendText(DecodedBlock::Kind kind, absl::string_view utf8, int describes);
  // Captions describe the last block from now on, and the one that waits describes it too.
  void LastIsDescribed();
  absl::Status AppendFile(DecodedBlock::Kind kind, std::string file);

  const WireRequest& request_;
  std::vector<Entry> blocks_;
  int page_ = 0;
  Place box_;
  int described_ = -1;  // The last figure or table.
  int awaiting_ = -1;   // A caption whose figure or table is still to come.
  int described_count_ = 0;
  bool added_ = false;
  int64_t text_bytes_ = 0;
  int64_t cells_ = 0;
  int64_t scan_bytes_ = 0;
  int pictures_ = 0;
};

// UTF-8 with runs of white space as one space, none at the ends; ill-formed bytes as U+FFFD, NUL left out.
std::string Folded(absl::string_view text);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_DOCUMENT_WRITER_H_
