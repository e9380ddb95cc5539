// dinh-photo: takes one photo from the socket that is its descriptor 0, gives back what may be stored, and ends.
// Started by the server (services/feedback/photo/worker_process.h), never by hand.
#include <utility>

#include "services/feedback/photo_worker/process.h"
#include "services/feedback/photo_worker/sandbox.h"
#include "services/feedback/photo_worker/socket_io.h"

namespace dinh::photo {
namespace {

int Serve() {
  if (!EnterSandbox()) return kExitNoSandbox;
  std::string bytes;
  RequestHead head;
  int boxes = 0;
  if (!ReadAll(kSocketFd, kRequestStartBytes, &bytes) || !DecodeRequestStart(bytes, &head, &boxes) ||
      !ReadAll(kSocketFd, boxes * kBoxBytes, &bytes) || !DecodeBoxes(bytes, &head)) {
    return kExitBadRequest;
  }
  std::string image;
  if (!ReadAll(kSocketFd, head.image_bytes, &image)) return kExitBadRequest;
  const Answer answer = ProcessImage(std::move(image), head.boxes);
  return WriteAll(kSocketFd, EncodeAnswer(answer)) ? 0 : kExitBadRequest;
}

}  // namespace
}  // namespace dinh::photo

// Leaves at once: nothing is left to be done at exit, and the sandbox would not allow it.
int main() { _exit(dinh::photo::Serve()); }
