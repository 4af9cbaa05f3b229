// The fixed descriptor of rows of a table: its words, what its columns are called, and what they hold.
#ifndef MIXMATCH_MODEL_MODALITY_TABLE_TABLE_FEATURES_H_
#define MIXMATCH_MODEL_MODALITY_TABLE_TABLE_FEATURES_H_

#include <vector>

#include "model/modality/modality.h"

namespace mixmatch::model {

inline constexpr int kTableFeatures = 1536;

// kTableFeatures finite values: 1,024 of hashed n-grams and words of names and cells (the text's features, folded), 448 of
// each column's numbers under its name and of values under their names, 64 of the table's shape. The order of columns and of
// rows changes little or nothing. `table` has at least one column; of many rows a sample is looked at. Thread-safe.
std::vector<float> TableFeatures(const TableView& table);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_TABLE_TABLE_FEATURES_H_
