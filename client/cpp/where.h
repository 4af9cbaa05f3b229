// The filter language of the command line: text to Filter.
#ifndef MIXMATCH_CLIENT_CPP_WHERE_H_
#define MIXMATCH_CLIENT_CPP_WHERE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mixmatch/v1/filter.pb.h"
#include "mixmatch/v1/item.pb.h"

namespace mixmatch::client {

// Grammar:
//   or    := and { "or" and }
//   and   := not { "and" not }
//   not   := "not" not | "(" or ")" | test
//   test  := field ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
//          | field "in" "(" value { "," value } ")" | field "exists" | field "starts" value
//          | "location" "within" "(" latitude "," longitude "," metres ")"
//   value := number | true | false | bare word | 'quoted' | "quoted"
// A field of the item (modality, name, ...) or else a metadata key; "metadata.KEY" always is one.
// < and > are taken as <= and >= of the next number. Empty text gives an empty filter.
// INVALID_ARGUMENT says at which character and what was wanted.
absl::StatusOr<v1::Filter> ParseWhere(absl::string_view text);

// "12" a number, "true" and "false" flags, anything else text; 'quotes' make text of all.
v1::MetadataValue ParseValue(absl::string_view text);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CPP_WHERE_H_
