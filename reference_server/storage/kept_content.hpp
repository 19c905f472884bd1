#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace bsp::server {

/// Content as a column holds it: the text itself, or, as a blob, what a cipher made of it (content_codec.hpp).
struct kept_content {
    std::string bytes;
    bool is_sealed = false;
};

/// Content on its way into a column. Text that nothing seals is not copied and must outlive this.
class content_to_keep {
public:
    static content_to_keep plain(std::string_view text) { return {text, {}, false}; }
    static content_to_keep sealed(std::string bytes) { return {{}, std::move(bytes), true}; }

    [[nodiscard]] bool is_sealed() const { return is_sealed_; }
    [[nodiscard]] std::string_view bytes() const { return is_sealed_ ? std::string_view{sealed_} : plain_; }

private:
    content_to_keep(std::string_view plain, std::string sealed, bool is_sealed) : plain_{plain}, sealed_{std::move(sealed)}, is_sealed_{is_sealed} {}

    std::string_view plain_;
    std::string sealed_;
    bool is_sealed_;
};

}  // namespace bsp::server
