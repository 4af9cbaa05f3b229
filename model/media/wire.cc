#include "model/media/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

namespace mixmatch::model {
namespace {

// Waits until `socket` is ready for `events`.
absl::Status WaitFor(int socket, short events, absl::Time deadline) {
  while (true) {
    int timeout_ms = -1;
    if (deadline != absl::InfiniteFuture()) {
      const int64_t left = absl::ToInt64Milliseconds(absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1)));
      timeout_ms = static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30));
    }
    pollfd ready = {socket, events, 0};
    const int count = poll(&ready, 1, timeout_ms);
    if (count > 0) return absl::OkStatus();
    if (count == 0) return absl::DeadlineExceededError("decoder socket: nothing by the deadline");
    if (errno != EINTR) return absl::UnavailableError("decoder socket: poll failed");
  }
}

constexpr auto kGone = "decoder socket: the peer is gone";

}  // namespace

absl::Status ReadAll(int socket, void* data, size_t size, absl::Time deadline) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = recv(socket, at, size, MSG_DONTWAIT);
    if (got > 0) {
      at += got;
      size -= got;
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (absl::Status ready = WaitFor(socket, POLLIN, deadline); !ready.ok()) return ready;
    } else if (got == 0 || errno != EINTR) {
      return absl::UnavailableError(kGone);
    }
  }
  return absl::OkStatus();
}

absl::Status WriteAll(int socket, const void* data, size_t size, absl::Time deadline) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t put = send(socket, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      at += put;
      size -= put;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (absl::Status ready = WaitFor(socket, POLLOUT, deadline); !ready.ok()) return ready;
    } else if (errno != EINTR) {
      return absl::UnavailableError(kGone);
    }
  }
  return absl::OkStatus();
}

absl::Status SendRequest(int socket, const WireRequest& request, int content) {
  iovec bytes = {const_cast<WireRequest*>(&request), sizeof(request)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &content, sizeof(int));
  ssize_t put;
  do {
    put = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (put < 0 && errno == EINTR);
  return put == sizeof(request) ? absl::OkStatus() : absl::UnavailableError(kGone);
}

absl::Status ReceiveRequest(int socket, WireRequest* request, int* content) {
  *content = -1;
  iovec bytes = {request, sizeof(*request)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t got;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return absl::OutOfRangeError("decoder socket: closed");
  if (got != sizeof(*request)) return absl::UnavailableError(kGone);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
    return absl::InternalError("decoder socket: a request without content");
  }
  memcpy(content, CMSG_DATA(header), sizeof(int));
  request->media_type_hint[sizeof(request->media_type_hint) - 1] = '\0';
  return absl::OkStatus();
}

}  // namespace mixmatch::model
