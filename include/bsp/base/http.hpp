#pragma once

#include <bsp/base/instant.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp {

/// A header field list in order of arrival; names compare without case (RFC 9110 §5.1).
class http_headers {
public:
    using field = std::pair<std::string, std::string>;

    http_headers() = default;
    http_headers(std::initializer_list<field> fields) : fields_{fields} {}

    void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }

    void set(std::string name, std::string value) {
        for (auto& f : fields_)
            if (same_name(f.first, name)) {
                f.second = std::move(value);
                return;
            }
        add(std::move(name), std::move(value));
    }

    /// The first value of `name`, or nothing.
    [[nodiscard]] std::string const* find(std::string_view name) const {
        for (auto const& f : fields_)
            if (same_name(f.first, name)) return &f.second;
        return nullptr;
    }

    [[nodiscard]] std::size_t count(std::string_view name) const {
        std::size_t n = 0;
        for (auto const& f : fields_) n += same_name(f.first, name);
        return n;
    }

    [[nodiscard]] auto begin() const { return fields_.begin(); }
    [[nodiscard]] auto end() const { return fields_.end(); }
    [[nodiscard]] std::size_t size() const { return fields_.size(); }

    static bool same_name(std::string_view a, std::string_view b) {
        auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        if (a.size() != b.size()) return false;
        for (std::size_t i = 0; i < a.size(); ++i)
            if (lower(a[i]) != lower(b[i])) return false;
        return true;
    }

private:
    std::vector<field> fields_;
};

/// A request as the world's edge hands it to the protocol: framing already removed, nothing decoded.
struct http_request {
    std::string method;   ///< as sent, e.g. "POST"
    std::string target;   ///< origin form as sent: path and query, not percent-decoded
    http_headers headers;
    std::string body;     ///< after transfer coding, before content coding
    std::string remote;   ///< address of the sender, for source limits and logs; may be empty
};

struct held_response;

struct http_response {
    int status = 200;
    http_headers headers;
    std::string body;
    /// When present the answer has nothing new in it, and may be held back for something better. Whoever cannot wait
    /// sends it as it is.
    std::shared_ptr<held_response const> held = nullptr;
};

/// How to wait: for `wait` at most, asking `again` whenever something was committed, and at least once a second.
/// It gives the answer, or nothing while it is worth waiting on; with `last` it always gives one.
struct held_response {
    std::chrono::seconds wait{};
    std::function<std::optional<http_response>(instant now, bool last)> again;
};

}  // namespace bsp
