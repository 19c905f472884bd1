#pragma once

#include "network.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// One client and a peer that answers as the test wishes.
namespace bsp::test {

inline http_response answered(int status, std::string code = "", http_headers headers = {}) {
    return {.status = status, .headers = std::move(headers), .body = code.empty() ? "" : R"({"code": ")" + code + "\"}"};
}

struct lab {
    site a{"a", "local", 0}, hosted{"hosted", "hosted", 2};
    network net{1};
    std::vector<json::object> pushes;                                             ///< bodies, as they arrived
    std::vector<std::chrono::nanoseconds> push_times, pull_times;
    std::vector<std::string> pulls;                                               ///< targets
    std::function<std::optional<http_response>(json::object const&)> on_push;     ///< nothing: as the real backend does
    std::function<std::optional<http_response>(http_request const&)> on_pull, on_health;

    lab() {
        net.now_it_is.delay_max = 1ms;
        net.add(a), net.add(hosted);
        pair(a, hosted);
        net.script = [this](site&, http_request const& r) -> std::optional<http_response> {
            if (r.target == "/health") return on_health ? on_health(r) : std::nullopt;
            if (r.method == "GET") {
                pulls.push_back(r.target);
                pull_times.push_back(net.now().steady);
                return on_pull ? on_pull(r) : std::nullopt;
            }
            pushes.push_back(json::parse(r.body).value().as_object());
            push_times.push_back(net.now().steady);
            return on_push ? on_push(pushes.back()) : std::nullopt;
        };
        a.start();
    }

    void write(std::string const& conversation, std::string const& id) { BOOST_REQUIRE(a.write(conversation, id, "hi", net.now().wall) == 201); }
    void settle() {
        net.run_for(7s);
        pushes.clear(), push_times.clear(), pulls.clear(), pull_times.clear();
    }
    [[nodiscard]] bool has(std::string const& conversation, std::string const& id) { return hosted.message(conversation, id).has_value(); }

    /// The seconds between pushes, to the nearest whole one.
    [[nodiscard]] std::vector<int> gaps(std::vector<std::chrono::nanoseconds> const& times) const {
        std::vector<int> all;
        for (std::size_t i = 1; i < times.size(); ++i) all.push_back(static_cast<int>(std::chrono::round<std::chrono::seconds>(times[i] - times[i - 1]).count()));
        return all;
    }
    [[nodiscard]] static std::string text(json::object const& o, char const* name) { return std::string{json::view(o.at(name).as_string())}; }
    [[nodiscard]] static std::vector<std::string> conversations(json::object const& push) {
        std::vector<std::string> ids;
        for (auto const& c : push.at("conversations").as_array()) ids.push_back(std::string{json::view(c.at("conversation_id").as_string())});
        return ids;
    }
};

inline std::vector<int> first(std::vector<int> v, std::size_t n) {
    v.resize(std::min(n, v.size()));
    return v;
}

inline http_response page(std::string conversations, std::string rest = R"("last_sync": "2025-12-31T00:00:00Z", "has_more": false)") {
    return {.status = 200, .headers = {}, .body = R"({"conversations": [)" + conversations + "], " + rest + "}"};
}

inline std::string entry(std::string id, std::string messages = "") {
    return R"({"conversation_id": ")" + id + R"(", "version": 1, "last_modified": "2025-12-31T00:00:00Z", "source_backend": "x", "surfaces": [], "messages": [)" + messages + "]}";
}
inline std::string message(std::string id, std::string timestamp = "2025-12-31T00:00:00Z") {
    return R"({"id": ")" + id + R"(", "role": "user", "content": "hi", "timestamp": ")" + timestamp + R"(", "surface": "web", "source_backend": "x", "version": 1})";
}

}  // namespace bsp::test
