#include "operator_api.hpp"

#include "clock.hpp"
#include "log.hpp"
#include "storage/sync_switch.hpp"

#include <bsp/base/uri.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace bsp::server {
namespace {

constexpr std::string_view base = "/operator/";
constexpr std::string_view version = "1.0.0";

std::pair<std::string_view, std::string_view> split(std::string_view target) {
    auto const mark = target.find('?');
    return {target.substr(0, mark), mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1)};
}

std::string quoted(std::string_view text) { return json::serialize(json::string{text.data(), text.size()}); }

http_response private_answer(http_response response) {
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("X-Content-Type-Options", "nosniff");
    return response;
}

http_response lines_of_log(std::string_view query, instant started_at) {
    std::uint64_t after = 0, limit = 200;
    std::string level = "info";
    auto const parameters = parse_query(query);
    if (!parameters) return endpoint::refuse(fail(errc::invalid_query, "the query has a broken percent-escape"));
    for (auto const& [name, value] : *parameters) {
        if (name == "level") level = value;
        if (name != "after" && name != "limit") continue;
        std::uint64_t& to = name == "after" ? after : limit;
        auto const [end, problem] = std::from_chars(value.data(), value.data() + value.size(), to);
        if (problem != std::errc{} || end != value.data() + value.size()) return endpoint::refuse(fail(errc::invalid_query, name + " must be a number"));
    }
    auto const lines = latest_lines(after, limit, level);
    std::string out = R"({"lines": [)";
    for (auto const& line : lines) out += (&line == &lines.front() ? "" : ", ") + line.json;
    return endpoint::respond(out + R"(], "next": )" + std::to_string(lines.empty() ? after : lines.back().number) + R"(, "started_at": )" + quoted(format_timestamp(started_at)) + '}');
}

}  // namespace

bool operator_api::is_meant(http_request const& request) { return request.target.starts_with(base); }

/// What the protocol answers to whoever asks, had he asked for `target`.
http_response operator_api::ask(http_request const& from, std::string target) const {
    http_request asked{.method = "GET", .target = std::move(target), .headers = {}, .body = {}, .remote = from.remote};
    for (auto const& [name, value] : from.headers)
        if (!http_headers::same_name(name, "Content-Type") && !http_headers::same_name(name, "Content-Encoding")) asked.headers.add(name, value);
    return around_.protocol(asked);
}

/// The same as JSON; null when it was refused, or is not offered.
json::value operator_api::told(http_request const& from, std::string target) const {
    auto const answer = ask(from, std::move(target));
    if (answer.status != 200) return nullptr;
    auto body = json::parse(answer.body);
    return body ? *std::move(body) : json::value(nullptr);
}

http_response operator_api::serve(http_request const& request) const {
    if (auto refusal = ask(request, "/alerts"); refusal.status != 200) return refusal;
    auto const [path, query] = split(request.target);
    std::string_view const what = path.substr(base.size());
    std::string_view const method = request.method == "HEAD" ? "GET" : std::string_view{request.method};
    if (what == "overview" && method == "GET") return private_answer(overview(request));
    if (what == "log" && method == "GET") return private_answer(lines_of_log(query, around_.started_at));
    if (what == "log-level" && (method == "GET" || method == "PUT")) return private_answer(level(request));
    if (what == "sync" && method == "POST") return private_answer(sync());
    return private_answer(endpoint::refuse(fail(errc::not_found, "there is nothing at this path")));
}

/// A series of the counters, by the text before its value; null when there is none.
json::value operator_api::counted(http_request const& r, std::string_view series) const {
    auto const answer = ask(r, "/metrics");
    std::string const line = '\n' + std::string{series};
    auto const at = answer.body.find(line);
    if (answer.status != 200 || at == std::string::npos) return nullptr;
    std::uint64_t n = 0;
    char const* const digits = answer.body.data() + at + line.size();
    std::from_chars(digits, answer.body.data() + answer.body.size(), n);
    return n;
}

http_response operator_api::overview(http_request const& r) const {
    json::object o;
    o["server"] = json::object{{"backend_id", around_.backend_id},
                               {"backend_type", around_.backend_type},
                               {"url", around_.url()},
                               {"version", version},
                               {"started_at", format_timestamp(around_.started_at)},
                               {"now", format_timestamp(server_clock{}.now())}};
    o["sync"] = nullptr;
    if (around_.wishes && around_.backend_type == "local")
        if (auto const said = around_.wishes->look()) o["sync"] = said->is_on ? "on" : "off";
    o["health"] = ask(r, "/health").status == 200 ? "healthy" : "unavailable";
    auto const alerts = told(r, "/alerts");
    o["alerts"] = alerts.is_object() ? alerts.get_object().at("alerts") : json::value(json::array{});
    o["telemetry"] = told(r, "/dashboard/telemetry");
    o["conflicts"] = counted(r, R"(bsp_messages_total{result="in_conflict"} )");
    o["peers"] = peers(r);
    return endpoint::respond(o);
}

/// Each registration with its metrics, and on the side that calls with what is in its way; null when the store does not tell.
json::value operator_api::peers(http_request const& r) const {
    auto const list = told(r, "/peers");
    if (!list.is_object()) return nullptr;
    json::object const known_metrics = metrics(r);
    std::map<std::string, sync_switch::contact, std::less<>> contacts;
    if (around_.wishes)
        if (auto known = around_.wishes->contacts()) contacts = {known->begin(), known->end()};
    json::array all;
    for (auto const& entry : list.get_object().at("peers").get_array()) {
        json::object peer = entry.get_object();
        peer.erase("public_key");
        std::string_view const id = json::view(*json::find_string(peer, "peer_id"));
        if (auto const c = contacts.find(id); c != contacts.end()) peer["contact"] = json::object{{"obstacle", c->second.obstacle}, {"since", format_timestamp(c->second.at)}};
        json::value const* const numbers = known_metrics.if_contains(id);
        peer["metrics"] = numbers ? *numbers : json::value(nullptr);
        all.push_back(std::move(peer));
    }
    return all;
}

/// Of all peers, by peer_id.
json::object operator_api::metrics(http_request const& r) const {
    json::object all;
    for (std::string cursor;;) {
        auto const page = told(r, "/dashboard/peers?limit=500" + (cursor.empty() ? "" : "&cursor=" + cursor));
        if (!page.is_object()) return all;
        for (auto const& p : page.get_object().at("peers").get_array()) all[p.get_object().at("peer_id").get_string()] = p;
        auto const* const next = json::find_string(page.get_object(), "cursor");
        if (!next) return all;
        cursor = json::view(*next);
    }
}

http_response operator_api::level(http_request const& r) const {
    if (r.method == "PUT") {
        auto const body = json::parse(r.body);
        auto const* const object = body ? body->if_object() : nullptr;
        auto const* const wanted = object ? json::find_string(*object, "level") : nullptr;
        if (!wanted || !set_log_level(json::view(*wanted))) return endpoint::refuse(fail(errc::invalid_body, "level must be debug, info, warning or error"));
    }
    return endpoint::respond(R"({"level": )" + quoted(log_level()) + '}');
}

http_response operator_api::sync() const {
    if (around_.backend_type == "hosted") return endpoint::refuse(fail(errc::forbidden, "a hosted backend is called and does not call"));
    if (!around_.wishes) return endpoint::refuse(fail(errc::unavailable, "nothing is kept that could be wished for"));
    if (auto const asked = around_.wishes->ask(); !asked) return endpoint::refuse(asked.error());
    return endpoint::respond(R"({"status": "asked"})", 202);
}

}  // namespace bsp::server
