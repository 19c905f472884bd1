#include "backend.hpp"

#include <bsp/crypto/random.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <thread>

namespace bsp::faulty {

std::string random_hex(std::size_t size) {
    bytes b(size);
    random_bytes(b);
    return to_hex(b);
}

instant system_now() {
    auto const since = std::chrono::system_clock::now().time_since_epoch();
    auto const seconds = std::chrono::floor<std::chrono::seconds>(since);
    return {seconds.count(), static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count())};
}

std::string http_date(instant t) {
    auto const seconds = static_cast<std::time_t>(t.seconds);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 32> text{};
    std::size_t const size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return {text.data(), size};
}

namespace {

std::string_view authority_of(std::string_view url) {
    if (std::size_t const scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return url.substr(0, url.find('/'));
}

std::string_view path_of(std::string_view url) {
    std::size_t const scheme = url.find("://");
    std::size_t const slash = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
    return slash == std::string_view::npos ? std::string_view{} : url.substr(slash);
}

/// Methods and shapes of the paths served; `*` stands for one segment.
struct route {
    std::string_view method;
    std::vector<std::string_view> shape;
};

std::vector<route> const& routes() {
    static std::vector<route> const all{
        {"GET", {"identity"}},
        {"GET", {"health"}},
        {"POST", {"register-peer"}},
        {"GET", {"peers"}},
        {"DELETE", {"peers", "*"}},
        {"POST", {"peers", "*", "rotate-key"}},
        {"GET", {"sync", "*"}},
        {"POST", {"sync", "*"}},
        {"GET", {"sync", "*", "digest"}},
        {"GET", {"conversations"}},
        {"GET", {"conversations", "*"}},
        {"DELETE", {"conversations", "*"}},
        {"POST", {"conversations", "*", "messages"}},
        {"DELETE", {"conversations", "*", "messages", "*"}},
        {"GET", {"telemetry", "*"}},
        {"GET", {"audit"}},
    };
    return all;
}

bool has_shape(std::vector<std::string> const& segments, std::vector<std::string_view> const& shape) {
    return std::equal(segments.begin(), segments.end(), shape.begin(), shape.end(), [](std::string const& s, std::string_view p) { return p == "*" || s == p; });
}

}  // namespace

backend::backend(settings s)
    : settings_{std::move(s)},
      key_{settings_.key ? *settings_.key : rsa_private_key::generate()},
      backend_id_{settings_.backend_type + "_sha256_" + random_hex(8)},
      epoch_{random_hex(8)},
      cursor_secret_{random_hex(16)},
      created_{system_now()} {}

http_response backend::handle(http_request const& request, instant real_now) {
    instant const now = moved(real_now);
    std::lock_guard const lock{mutex_};
    instant const before = state_.last_commit;
    http_response out = serve(request, now);
    if (state_.last_commit != before || request.target.ends_with("/register-peer") || request.target.ends_with("/privacy-settings")) ++changes_, news_.notify_all();
    return out;
}

void backend::let_others_in() {
    mutex_.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    mutex_.lock();
}

http_response backend::serve(http_request const& request, instant now) {
    auto const [path, query] = split_target(request.target);
    call c{request, now, path, query, {}, {}, {}};
    now_ = now;
    auto const begun = std::chrono::steady_clock::now();
    answer r = dispatch(c);
    c.now = now + (std::chrono::steady_clock::now() - begun);  // it may have been held
    if (!r) record_refusal(c, r.error());
    http_response out = r ? *std::move(r) : problem(r.error(), c);
    finish(c, out);
    return out;
}

result<http_response> backend::dispatch(call& c) {
    BSP_CHECK(check_host(c));
    BSP_CHECK(check_origin(c));
    BSP_CHECK(check_size(c));
    std::string_view const base = path_of(settings_.base_url);
    if (!c.path.starts_with(base)) return not_found(c);
    c.path.remove_prefix(base.size());
    auto segments = split_path(c.path);
    if (!segments) return fail(errc::invalid_query, "the path is not percent-encoded correctly");
    c.segments = *std::move(segments);

    bool known = false, allowed = false;
    for (auto const& r : routes())
        if (has_shape(c.segments, r.shape)) {
            known = true;
            if (r.method == c.request.method) allowed = true;
            if (!c.allow.empty()) c.allow += ", ";
            c.allow += r.method;
        }
    if (known && c.request.method == "OPTIONS" && c.request.headers.find("Access-Control-Request-Method")) return preflight(c);
    if (!known) return c.segments.front() == "sync" && c.segments.size() == 1 ? push_alias(c) : not_found(c);
    if (!allowed) return method_not_allowed(c);
    BSP_CHECK(check_coding(c));
    BSP_CHECK(check_media_type(c));
    auto query = parse_query(c.query_text);
    if (!query) return fail(errc::invalid_query, "the query is not percent-encoded correctly");
    c.query = *std::move(query);

    auto const& s = c.segments;
    std::string const& method = c.request.method;
    if (s[0] == "identity") return serve_identity(c);
    if (s[0] == "health") return serve_health(c);
    if (s[0] == "register-peer") return register_peer(c);
    if (s[0] == "peers") return s.size() == 1 ? list_peers(c) : s.size() == 3 ? rotate_key(c, s[1]) : delete_peer(c, s[1]);
    if (s[0] == "sync") return s.size() == 3 ? digest(c, s[1]) : method == "GET" ? pull(c, s[1]) : push(c, s[1]);
    if (s[0] == "audit") return list_audit(c);
    if (s[0] == "telemetry") return s[1] == "events" ? list_events(c) : upgrade_telemetry(c, s[1]);
    if (s.size() == 1) return list_conversations(c);
    if (s.size() == 2) return method == "GET" ? read_conversation(c, s[1]) : delete_conversation(c, s[1]);
    if (s.size() == 3) return write_message(c, s[1]);
    return delete_message(c, s[1], s[3]);
}

result<> backend::check_host(call const& c) {
    if (settings_.backend_type != "local") return ok();
    std::string const* host = c.request.headers.find("Host");
    if (!host) return fail(errc::misdirected_request, "no Host");
    if (*host == authority_of(settings_.base_url)) return ok();
    std::string_view name = *host;
    if (std::size_t const colon = name.rfind(':'); colon != std::string_view::npos && name.find(']', colon) == std::string_view::npos) name = name.substr(0, colon);
    if (name == "localhost" || name == "127.0.0.1" || name == "[::1]") return ok();
    return fail(errc::misdirected_request, "this host is not served here");
}

result<> backend::check_origin(call const& c) {
    std::string const& method = c.request.method;
    if (settings_.backend_type != "local" || method == "GET" || method == "HEAD" || method == "OPTIONS") return ok();
    std::string const* origin = c.request.headers.find("Origin");
    if (origin && !is_listed(*origin)) return fail(errc::forbidden, "this origin is not listed");
    return ok();
}

bool backend::is_listed(std::string const& origin) { return std::find(settings_.allowed_origins.begin(), settings_.allowed_origins.end(), origin) != settings_.allowed_origins.end(); }

result<http_response> backend::preflight(call const& c) {
    return http_response{204, {{"Access-Control-Allow-Methods", c.allow}, {"Access-Control-Allow-Headers", "Authorization, Content-Type"}}, {}};
}

void backend::tell_origin(call const& c, http_response& r) {
    std::string const* origin = c.request.headers.find("Origin");
    if (!origin || !is_listed(*origin)) return;
    r.headers.set("Access-Control-Allow-Origin", *origin);
    r.headers.set("Vary", "Origin");
}

result<> backend::check_size(call const& c) {
    if (c.request.body.size() > body_bytes_max()) return fail(errc::payload_too_large, "the body is too large");
    return ok();
}

result<> backend::check_media_type(call const& c) {
    if (c.request.body.empty()) return ok();
    std::string const* given = c.request.headers.find("Content-Type");
    std::string_view type = given ? std::string_view{*given} : std::string_view{};
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    if (http_headers::same_name(type, "application/json")) return ok();
    return fail(errc::unsupported_media_type, "the body must be application/json");
}

result<> backend::check_coding(call const& c) {
    std::string const* coding = c.request.headers.find("Content-Encoding");
    if (!coding || http_headers::same_name(*coding, "identity")) return ok();
    return fail(errc::unsupported_media_type, "content codings are not supported");
}

std::optional<std::vector<std::string>> backend::split_path(std::string_view path) { return path_segments(path); }

result<json::value> backend::parse_body(std::string_view text) { return json::parse(text); }

result<json::object> backend::parse_object(call const& c) {
    BSP_TRY(json::value body, parse_body(c.request.body));
    if (!body.is_object()) return fail(errc::invalid_body, "the body must be an object");
    return std::move(body.get_object());
}

http_response backend::json_answer(int status, json::value const& body) {
    return {status, {{"Content-Type", "application/json"}}, json::serialize(body)};
}

json::object backend::problem_document(error const& e) {
    auto const& row = row_of(e.code);
    json::object out{{"type", "https://bsp.dev/errors/" + std::string{row.code}}, {"title", row.title}, {"status", row.status}, {"detail", e.detail}, {"code", row.code}};
    if (e.code == errc::unsupported_version) out["supported"] = json::array{"1.0"};
    return out;
}

http_response backend::problem(error const& e, call const& c) {
    http_response r{e.status(), {{"Content-Type", "application/problem+json"}}, json::serialize(problem_document(e))};
    if (r.status == 401) r.headers.add("WWW-Authenticate", "BSP");
    if (r.status == 429) r.headers.add("Retry-After", std::to_string(c.retry_after));
    if (r.status == 405) r.headers.add("Allow", c.allow);
    if (r.status == 426) r.headers.add("Upgrade", "websocket");
    return r;
}

void backend::finish(call const& c, http_response& r) {
    bool const is_identity = r.status == 200 && !c.segments.empty() && c.segments.front() == "identity";
    r.headers.set("Cache-Control", is_identity ? "no-cache" : "no-store");
    r.headers.set("Date", http_date(c.now));
    tell_origin(c, r);
}

result<http_response> backend::not_found(call const&) { return fail(errc::not_found, "no such resource"); }

result<http_response> backend::method_not_allowed(call const&) { return fail(errc::method_not_allowed, "this path has other methods"); }

result<http_response> backend::serve_identity(call const& c) { return json_answer(200, identity(c)); }

json::object backend::identity(call const&) {
    return {{"backend_id", backend_id_},
            {"backend_type", settings_.backend_type},
            {"public_key", key_.public_key().pem()},
            {"capabilities", json::array{"conversation_storage", "persistence", "live_pull", "key_rotation"}},
            {"version", "1.0"},
            {"created_at", format_timestamp(created_)},
            {"epoch", epoch()}};
}

result<http_response> backend::serve_health(call const&) { return json_answer(200, json::object{{"status", "healthy"}}); }

}  // namespace bsp::faulty
