#include "../faults.hpp"

/// Faults of reading bytes. The backend is correct, the door in front of it is not.
namespace bsp::faulty {

std::vector<fault> framing_faults() {
    return {
        {"F-GEN-160", "of differing Content-Length values the first counts", {"gen/content-length"}, make<backend>, setting::plain, framing{.any_length = true}},
        {"F-GEN-161", "the body of a GET is read as the next request", {"gen/smuggling"}, make<backend>, setting::plain, framing{.get_has_no_body = true}},
        {"F-GEN-162", "heads of 2 MiB are read and answered", {"gen/endless-requests"}, make<backend>, setting::plain, framing{.any_head = true}},
    };
}

}  // namespace bsp::faulty
