#include "model/tensors/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace mixmatch::model {
namespace {

Safetensors Example() {
  Safetensors file;
  const std::vector<float> weights = {1.5f, -2.0f, 0.0f, 1e-30f, 3e30f, 7.0f};
  const std::vector<int64_t> places = {0, -1, int64_t{1} << 60};
  file.arrays["layer.weight"] = Array::Of<float>(ArrayType::kF32, {2, 3}, weights);
  file.arrays["places"] = Array::Of<int64_t>(ArrayType::kI64, {3}, places);
  file.arrays["nothing"] = {ArrayType::kU8, {0, 256}, ""};
  file.metadata["made by"] = "a \"test\"\n";
  return file;
}

// A file as another program writes it: without a checksum.
std::string Foreign(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + data;
}

TEST(Safetensors, BytesGiveBackArraysShapesAndMetadata) {
  const auto read = Safetensors::Parse(Example().Serialize());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->checked);
  EXPECT_EQ(read->metadata, Example().metadata);
  const Array* weights = read->Find("layer.weight", ArrayType::kF32, 2).value();
  EXPECT_THAT(weights->shape, testing::ElementsAre(2, 3));
  EXPECT_EQ(weights->bytes, Example().arrays["layer.weight"].bytes);
  EXPECT_THAT(read->Find("places", ArrayType::kI64, 1).value()->as<int64_t>(), testing::ElementsAre(0, -1, int64_t{1} << 60));
  EXPECT_EQ(read->arrays.at("nothing").size(), 0);
}

TEST(Safetensors, EveryCutIsDataLoss) {
  const std::string bytes = Example().Serialize();
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_TRUE(absl::IsDataLoss(Safetensors::Parse(bytes.substr(0, cut)).status())) << cut;
  }
}

TEST(Safetensors, AnAlteredByteIsNeverTakenForWhatWasWritten) {
  const std::string bytes = Example().Serialize();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string altered = bytes;
    altered[at] ^= 1;
    const auto read = Safetensors::Parse(altered);
    EXPECT_FALSE(read.ok() && read->checked) << at;
  }
}

TEST(Safetensors, AFileOfAnotherProgramIsReadWithoutAChecksum) {
  const auto read = Safetensors::Parse(Foreign(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "ab"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->checked);
  EXPECT_EQ(read->arrays.at("x").bytes, "ab");
}

TEST(Safetensors, HostileHeadersAreRefused) {
  for (const std::string header : {
           R"({"x":{"dtype":"U8","shape":[3],"data_offsets":[0,2]}})",                       // Shape and bytes disagree.
           R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,9]}})",                       // Beyond the end.
           R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})",                       // Backwards.
           R"({"x":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}})",                      // Negative.
           R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",  // Overflows.
           R"({"x":[1,2]})", R"([])", R"("x")", "{"}) {
    EXPECT_TRUE(absl::IsDataLoss(Safetensors::Parse(Foreign(header, "ab")).status())) << header;
  }
  const std::string unknown = R"({"x":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})";
  EXPECT_TRUE(absl::IsUnimplemented(Safetensors::Parse(Foreign(unknown, "ab")).status()));
}

TEST(Safetensors, AMissingArrayOrOneOfAnotherTypeIsAnInvalidArgument) {
  const Safetensors file = Example();
  EXPECT_TRUE(absl::IsInvalidArgument(file.Find("absent", ArrayType::kF32, 2).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(file.Find("places", ArrayType::kF32, 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(file.Find("places", ArrayType::kI64, 2).status()));
}

}  // namespace
}  // namespace mixmatch::model
