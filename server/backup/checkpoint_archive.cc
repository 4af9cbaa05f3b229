#include "server/backup/checkpoint_archive.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "model/modality/modality.h"
#include "model/tensors/safetensors.h"
#include "proto/base/status_macros.h"

namespace mixmatch::server {
namespace {

constexpr char kHead[] = "checkpoint.head";
constexpr char kTrainer[] = "checkpoint.trainer";
constexpr char kSteps[] = "checkpoint.steps";
constexpr char kGeneration[] = "checkpoint.generation";

model::Array Bytes(std::string bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  return {model::ArrayType::kU8, {size}, std::move(bytes)};
}

}  // namespace

absl::StatusOr<std::string> WriteArchive(const Serving& serving, uint64_t steps, absl::string_view trainer) {
  MIXMATCH_ASSIGN_OR_RETURN(model::Safetensors file, model::Safetensors::Parse(serving.encoder.trunk()->ToBytes()));
  file.arrays[kHead] = Bytes(serving.encoder.head()->Serialize());
  if (!trainer.empty()) file.arrays[kTrainer] = Bytes(std::string(trainer));
  file.metadata[kSteps] = absl::StrCat(steps);
  file.metadata[kGeneration] = absl::StrCat(serving.generation);
  return file.Serialize();
}

absl::StatusOr<CheckpointArchive> ReadArchive(absl::string_view bytes) {
  CheckpointArchive archive;
  auto file = model::Safetensors::Parse(bytes);
  if (file.ok()) {
    auto trunk = model::Trunk::FromBytes(bytes);
    if (trunk.ok()) trunk = model::Trunk::WithSlots(*std::move(trunk), static_cast<int>(model::ModalityTable().size()));
    if (trunk.ok()) {
      archive.trunk = *std::move(trunk);
      if (!absl::SimpleAtoi(file->metadata[kSteps], &archive.steps)) archive.steps = 0;
      return archive;
    }
    file = trunk.status();
  }
  return absl::InvalidArgumentError(absl::StrCat("chunk: not a checkpoint that can be used: ", file.status().message(),
                                                 "; export one with mixmatch admin checkpoint export"));
}

}  // namespace mixmatch::server
