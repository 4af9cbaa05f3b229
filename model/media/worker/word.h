// WordprocessingML: the texts, pictures and tables of a .docx document (ECMA-376 part 1, 17).
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_WORD_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_WORD_H_

#include "model/media/worker/package.h"
#include "model/media/worker/document_writer.h"

namespace mixmatch::model {

// `root` is the main document. Pages are those where its writer broke them last (lastRenderedPageBreak); without such
// marks there are none. Captions are the paragraphs of the built-in style of that name, whatever its language.
absl::Status AddWord(const pugi::xml_node& root, const Relationships& relationships, ZipFile* zip,
                     const WireRequest& request, DocumentWriter* document);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_WORD_H_
