#include "operator_desk.hpp"

#include "client/http_client.hpp"
#include "data_dir.hpp"
#include "pairing.hpp"
#include "secure_file.hpp"

#include <bsp/base/instant.hpp>
#include <bsp/json/decimal.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/sync/answer.hpp>
#include <bsp/sync/url.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace bsp::server::operator_desk {
namespace {

using namespace std::chrono_literals;
using json::object;
using json::value;

/// Of a member that is absent, null or of another type: nothing, as an empty text or 0.
std::string_view text(object const& o, std::string_view name) {
    auto const* const s = json::find_string(o, name);
    return s ? json::view(*s) : std::string_view{};
}
bool has_number(object const& o, std::string_view name) { return o.if_contains(name) && o.at(name).is_number(); }
double number(object const& o, std::string_view name) { return has_number(o, name) ? o.at(name).to_number<double>() : 0; }
object const& part(object const& o, std::string_view name) {
    static object const none;
    auto const* const v = o.if_contains(name);
    return v && v->is_object() ? v->get_object() : none;
}
std::vector<object> list(object const& o, std::string_view name) {
    std::vector<object> all;
    if (auto const* const v = o.if_contains(name); v && v->is_array())
        for (auto const& item : v->get_array())
            if (item.is_object()) all.push_back(item.get_object());
    return all;
}

/// The server that runs on a data directory.
class running_server {
public:
    explicit running_server(question const& q) : client_{http_client::bounds{}, q.ca_file}, url_{q.url} {
        if (!std::filesystem::exists(q.data_dir / "identity.json")) throw std::runtime_error{q.data_dir.string() + " belongs to no server; name its --data-dir"};
        if (url_.empty()) {
            auto const written = read_file(url_file(q.data_dir));
            if (!written) throw not_achieved{"no server runs on " + q.data_dir.string() + "; if it runs elsewhere, name its --url"};
            url_ = written->substr(0, written->find('\n'));
        }
        while (url_.ends_with('/')) url_.pop_back();
        token_ = open_admin_token(q.data_dir);
    }

    object ask(std::string const& target, std::string const& method = "GET", std::string body = {}) {
        auto const parts = sync::split_url(url_);
        http_request request{.method = method,
                             .target = std::string{parts.path} + target,
                             .headers = {{"Host", std::string{parts.authority}}, {"Authorization", "Bearer " + token_}},
                             .body = std::move(body),
                             .remote = {}};
        if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
        auto const answer = client_.ask(std::string{parts.origin}, std::move(request), std::chrono::steady_clock::now() + 10s);
        if (!answer) throw not_achieved{"no server answers at " + url_ + ": " + answer.error().detail};
        if (answer->status == 401 || answer->status == 403) throw not_achieved{"the server at " + url_ + " does not accept the admin token of this data directory"};
        auto body_read = json::parse(answer->body);
        if (answer->status >= 300 || !body_read || !body_read->is_object()) throw not_achieved{"the server at " + url_ + " answers " + sync::describe(*answer)};
        return std::move(body_read->get_object());
    }

private:
    http_client client_;
    std::string url_, token_;
};

std::string duration(double seconds) {
    auto const s = static_cast<std::int64_t>(std::max(0.0, seconds));
    auto const two = [](std::int64_t a, char const* of_a, std::int64_t b, char const* of_b) { return std::to_string(a) + of_a + std::to_string(b) + of_b; };
    if (s < 60) return std::to_string(s) + " s";
    if (s < 3'600) return two(s / 60, " min ", s % 60, " s");
    if (s < 86'400) return two(s / 3'600, " h ", s % 3'600 / 60, " min");
    return two(s / 86'400, " d ", s % 86'400 / 3'600, " h");
}

/// How long before `now`, which is the server's.
std::string ago(std::string_view at, std::string_view now) {
    auto const a = parse_timestamp(at), b = parse_timestamp(now);
    return a && b ? duration(static_cast<double>(b->seconds - a->seconds)) : "-";
}

std::string seconds_of(std::string_view timestamp) {
    auto const t = parse_timestamp(timestamp);
    return t ? format_timestamp({t->seconds, 0}) : "-";
}

std::string shown(double n) { return json::decimal(static_cast<double>(static_cast<std::int64_t>(n * 100 + 0.5)) / 100); }

/// What the server says of a peer comes from others.
std::string clean(std::string_view from) {
    std::string out{from};
    for (char& c : out)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
    return out;
}

/// Columns as wide as their widest cell; the first row is the head.
std::string table(std::vector<std::vector<std::string>> const& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (auto const& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string out;
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += (i ? "  " : "") + clean(row[i]) + std::string(widths[i] - row[i].size(), ' ');
        out += (out.empty() ? "" : "\n") + line.substr(0, line.find_last_not_of(' ') + 1);
    }
    return out;
}

std::string alerts_of(object const& overview, std::string_view now) {
    auto const alerts = list(overview, "alerts");
    if (alerts.empty()) return "alerts    none";
    std::vector<std::vector<std::string>> rows{{"ALERT", "PEER", "VALUE", "THRESHOLD", "FOR"}};
    for (auto const& a : alerts) {
        auto const peer = text(a, "peer_id");
        rows.push_back({std::string{text(a, "type")}, peer.empty() ? "-" : std::string{peer}, shown(number(a, "value")), shown(number(a, "threshold")), ago(text(a, "raised_at"), now)});
    }
    return table(rows);
}

/// What is in the way of a peer, or failed last; "" when nothing.
std::string trouble_of(object const& peer, std::string_view now) {
    auto const& contact = part(peer, "contact");
    if (auto const obstacle = text(contact, "obstacle"); !obstacle.empty()) return clean(obstacle) + ", for " + ago(text(contact, "since"), now);
    auto const& metrics = part(peer, "metrics");
    auto const& error = part(metrics, "last_error");
    auto const type = text(error, "type");
    auto const failed = parse_timestamp(text(error, "at")), succeeded = parse_timestamp(text(metrics, "last_sync"));
    if (type.empty() || (failed && succeeded && *failed < *succeeded)) return {};
    return clean(type.substr(type.rfind('/') + 1)) + ", " + ago(text(error, "at"), now) + " ago";
}

}  // namespace

std::filesystem::path url_file(std::filesystem::path const& data_dir) { return data_dir / "server.url"; }

std::string status(question const& q) {
    object const o = running_server{q}.ask("/operator/overview");
    if (q.as_json) return json::serialize(o);
    auto const& server = part(o, "server");
    auto const& sums = part(o, "telemetry");
    auto const now = text(server, "now");
    std::string out = std::string{text(server, "backend_id")} + ", " + std::string{text(server, "backend_type")} + ", at " + std::string{text(server, "url")} + "\nserver    " +
                      std::string{text(o, "health")} + ", up for " + ago(text(server, "started_at"), now);
    if (auto const sync = text(o, "sync"); !sync.empty()) out += ", sync is " + std::string{sync};
    double waiting = 0;
    for (auto const& p : list(o, "peers")) waiting += number(part(p, "metrics"), "queue_depth");
    out += "\npeers     " + shown(number(sums, "online_peers")) + " of " + shown(number(sums, "total_peers")) + " online; " + shown(waiting) + " items wait to be sent";
    out += "\nevents    " + shown(number(sums, "total_events_24h")) + " in 24 h, cost $" + shown(number(sums, "total_cost_24h"));
    if (has_number(sums, "avg_latency_ms")) out += ", mean latency " + shown(number(sums, "avg_latency_ms")) + " ms";
    out += '\n' + alerts_of(o, now);
    for (auto const& p : list(o, "peers"))
        if (auto const trouble = trouble_of(p, now); !trouble.empty()) out += "\ntrouble   " + std::string{text(p, "backend_id")} + ": " + trouble;
    return out;
}

std::string peers(question const& q) {
    object const o = running_server{q}.ask("/operator/overview");
    if (q.as_json) return json::serialize(o.contains("peers") ? o.at("peers") : value(nullptr));
    auto const now = text(part(o, "server"), "now");
    auto const all = list(o, "peers");
    if (all.empty()) return "no peer is paired with this server; see bsp-server handshake";
    std::vector<std::vector<std::string>> rows{{"PEER", "BACKEND", "TYPE", "LAST SYNC", "LAG", "WAITING", "SUCCESS", "TROUBLE"}};
    for (auto const& p : all) {
        auto const& m = part(p, "metrics");
        auto const last = text(m, "last_sync");
        std::string const wrong = trouble_of(p, now);
        rows.push_back({std::string{text(p, "peer_id")}, std::string{text(p, "backend_id")}, std::string{text(p, "backend_type")}, last.empty() ? "never" : seconds_of(last),
                        has_number(m, "sync_lag_seconds") ? duration(number(m, "sync_lag_seconds")) : "-", shown(number(m, "queue_depth")),
                        has_number(m, "sync_success_rate") ? shown(100 * number(m, "sync_success_rate")) + " %" : "-", wrong.empty() ? "none" : wrong});
    }
    return table(rows);
}

std::string queue(question const& q) {
    running_server server{q};
    object const o = server.ask("/operator/overview");
    auto const now = text(part(o, "server"), "now");
    json::array all;
    std::vector<std::vector<std::string>> rows{{"PEER", "TYPE", "ITEM", "WAITS FOR", "ATTEMPTS", "BYTES"}};
    double waiting = 0;
    for (auto const& p : list(o, "peers")) {
        double const depth = number(part(p, "metrics"), "queue_depth");
        if (depth <= 0) continue;
        waiting += depth;
        std::string const id{text(p, "peer_id")};
        for (auto& item : list(server.ask("/debug/sync/" + id), "offline_queue")) {
            rows.push_back({id, std::string{text(item, "type")}, std::string{text(item, "id")}, ago(text(item, "created_at"), now), shown(number(item, "attempts")), shown(number(item, "bytes"))});
            item["peer_id"] = id;
            all.push_back(value(std::move(item)));
        }
    }
    if (q.as_json) return json::serialize(all);
    if (waiting == 0) return "nothing waits to be sent";
    double const hidden = waiting - static_cast<double>(rows.size() - 1);
    return table(rows) + (hidden > 0 ? "\nand " + shown(hidden) + " more" : "");
}

std::string tail(question const& q, std::ostream& out) {
    running_server server{q};
    std::uint64_t after = 0;
    std::string started;
    for (std::size_t limit = q.lines;; std::this_thread::sleep_for(500ms)) {
        object const o = server.ask("/operator/log?level=" + q.level + "&after=" + std::to_string(after) + "&limit=" + std::to_string(limit));
        // A server that was started anew counts from the beginning.
        if (std::string const now{text(o, "started_at")}; now != started && !std::exchange(started, now).empty()) {
            after = 0, limit = 1'000;
            continue;
        }
        limit = 1'000;
        after = static_cast<std::uint64_t>(number(o, "next"));
        for (auto const& line : list(o, "lines")) {
            if (q.as_json) {
                out << json::serialize(line) << '\n';
                continue;
            }
            std::string words{text(line, "message")};
            if (text(line, "event") == "request")
                words = shown(number(line, "status")) + ' ' + std::string{text(line, "method")} + ' ' + std::string{text(line, "path")} + " from " + std::string{text(line, "remote")} + ", " +
                        shown(number(line, "ms")) + " ms";
            else if (text(line, "event") == "alert")
                words = "alert " + std::string{text(line, "state")} + ": " + std::string{text(line, "type")} + ' ' + std::string{text(line, "peer_id")} + ", " + shown(number(line, "value")) +
                        " against a threshold of " + shown(number(line, "threshold"));
            std::string const id{text(line, "request_id")};
            out << text(line, "time") << ' ' << text(line, "level") << ' ' << (id.empty() ? "" : '[' + id + "] ") << clean(words) << '\n';
        }
        out << std::flush;
    }
}

std::string log_level(question const& q, std::string const& level) {
    running_server server{q};
    object const o = level.empty() ? server.ask("/operator/log-level") : server.ask("/operator/log-level", "PUT", R"({"level": ")" + level + "\"}");
    return q.as_json ? json::serialize(o) : std::string{text(o, "level")};
}

}  // namespace bsp::server::operator_desk
