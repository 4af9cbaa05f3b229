// What the server may form events from, and how much a source may teach.
#ifndef MIXMATCH_SERVER_LINK_OPTIONS_H_
#define MIXMATCH_SERVER_LINK_OPTIONS_H_

namespace mixmatch::server {

struct LinkOptions {
  bool names = true;             // --link-names on|off: same name but for the extension, same source.
  bool times = true;             // --link-times on|off: same source, within the window.
  bool places = true;            // --link-places on|off: within the radius.
  bool folders = false;          // --link-folders on|off: same small folder, same source.
  double window_seconds = 10.0;  // --link-window-seconds
  double radius_meters = 50.0;   // --link-radius-meters
  int nearest = 4;               // --link-nearest: items of a modality, and parts of an item, that one is linked with.
  double max_per_source = 1e6;   // --max-links-per-source: weight of links; 0: any.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_LINK_OPTIONS_H_
