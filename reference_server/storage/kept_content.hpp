#pragma once

#include <string>

namespace bsp::server {

/// Content as a column holds it: the text itself, or, as a blob, what a cipher made of it (content_codec.hpp).
struct kept_content {
    std::string bytes;
    bool is_sealed = false;
};

}  // namespace bsp::server
