// How the trunk's training went, as one HTML file that needs no other.
#ifndef MIXMATCH_CLIENT_CLI_PLOT_H_
#define MIXMATCH_CLIENT_CLI_PLOT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "mixmatch/v1/learning_service.pb.h"

namespace mixmatch::client {

// What the charts' common axis shows.
enum class PlotAxis { kSteps, kTime };

// Three charts (loss, probe recall@10, drift) over one axis as inline SVG, each value a dot with class "loss", "probe",
// "candidate" or "drift"; in the second, a line with class "mark" where a trunk was published, refused or taken back,
// with its number; and a table of the newest trunks. Values that are not finite are left out. Without scripts and
// without connections; `server` is escaped here.
std::string TrainingPage(const v1::HistoryResponse& history, absl::string_view server, PlotAxis axis);

// A row for a trunk, and the titles of its columns.
std::vector<std::string> TrunkTitles();
std::vector<std::string> TrunkCells(const v1::TrunkRecord& trunk);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_PLOT_H_
