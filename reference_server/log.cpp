#include "log.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace bsp::server {
namespace {

constexpr std::size_t logged_path_bytes_max = 200;
constexpr std::size_t kept_lines_max = 1'000;
constexpr std::string_view event_logger = "events";
constexpr char halves = '\0';  ///< between the text of an event and its members

thread_local std::string request_id;

std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string{text.data(), text.size()}); }

/// What a client sent, cut and made harmless: one line, printable ASCII.
std::string harmless(std::string_view text) {
    std::string out{text.substr(0, logged_path_bytes_max)};
    for (char& c : out)
        if (c <= ' ' || c > '~') c = '?';
    return out.empty() ? "-" : out;
}

/// The path without query. What a person may have named, a conversation or a message, is a star.
std::string path_of(std::string_view target) {
    std::string out;
    bool is_named = false;
    std::string_view rest = target.substr(0, target.find('?'));
    for (bool more = true; more;) {
        auto const slash = rest.find('/');
        std::string_view const segment = rest.substr(0, slash);
        out += is_named && !segment.empty() ? "*" : segment;
        is_named = segment == "conversations" || segment == "messages";
        more = slash != std::string_view::npos;
        if (more) out += '/', rest.remove_prefix(slash + 1);
    }
    return harmless(out);
}

/// One line per message, whatever is in it. Those of the logger of events have two halves: words, and members of an object.
class line_formatter final : public spdlog::formatter {
public:
    explicit line_formatter(log_format format)
        : format_{format}, begin_{format == log_format::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l")" : "%Y-%m-%dT%H:%M:%S.%eZ %l ",
                                  spdlog::pattern_time_type::utc, ""} {}

    void format(spdlog::details::log_msg const& message, spdlog::memory_buf_t& to) override {
        begin_.format(message, to);
        std::string_view const all{message.payload.data(), message.payload.size()};
        bool const is_event = std::string_view{message.logger_name.data(), message.logger_name.size()} == event_logger;
        std::size_t const half = is_event ? all.find(halves) : all.size();
        auto const out = std::back_inserter(to);
        if (format_ == log_format::json) {
            if (!request_id.empty()) fmt::format_to(out, R"(,"request_id":{})", quoted(request_id));
            if (is_event) fmt::format_to(out, ",{}}}\n", all.substr(half + 1));
            else fmt::format_to(out, R"(,"event":"message","message":{}}})" "\n", quoted(all));
            return;
        }
        if (!request_id.empty()) fmt::format_to(out, "[{}] ", request_id);
        for (char const c : all.substr(0, half)) to.push_back(static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c);
        to.push_back('\n');
    }
    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<line_formatter>(format_); }

private:
    log_format format_;
    spdlog::pattern_formatter begin_;
};

/// The latest lines, as JSON.
class memory_sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    [[nodiscard]] std::vector<logged_line> lines(std::uint64_t after, std::size_t limit, spdlog::level::level_enum level) {
        std::lock_guard const lock{mutex_};
        std::vector<logged_line> found;
        for (auto at = kept_.rbegin(); at != kept_.rend() && at->line.number > after && found.size() < limit; ++at)
            if (at->level >= level) found.push_back(at->line);
        std::reverse(found.begin(), found.end());
        return found;
    }

private:
    struct kept_line {
        spdlog::level::level_enum level;
        logged_line line;
    };

    void sink_it_(spdlog::details::log_msg const& message) override {
        spdlog::memory_buf_t text;
        formatter_->format(message, text);
        kept_.push_back({message.level, {++last_, std::string{text.data(), text.size() - 1}}});
        if (kept_.size() > kept_lines_max) kept_.pop_front();
    }
    void flush_() override {}

    std::deque<kept_line> kept_;
    std::uint64_t last_ = 0;
};

std::shared_ptr<spdlog::logger> events;
std::shared_ptr<memory_sink> memory;

std::optional<spdlog::level::level_enum> level_of(std::string_view name) {
    for (std::string_view const known : {"debug", "info", "warning", "error"})
        if (name == known) return spdlog::level::from_str(std::string{name});
    return std::nullopt;
}

void log_event(spdlog::level::level_enum level, std::string const& text, std::string const& members) { events->log(level, "{}{}{}", text, halves, members); }

}  // namespace

void start_log(log_format format, std::string const& level) {
    auto const console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    console->set_formatter(std::make_unique<line_formatter>(format));
    memory = std::make_shared<memory_sink>();
    memory->set_formatter(std::make_unique<line_formatter>(log_format::json));
    events = std::make_shared<spdlog::logger>(std::string{event_logger}, spdlog::sinks_init_list{console, memory});
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("bsp", spdlog::sinks_init_list{console, memory}));
    set_log_level(level);
}

bool set_log_level(std::string_view level) {
    auto const known = level_of(level);
    if (!known) return false;
    if (events) events->set_level(*known);
    spdlog::default_logger()->set_level(*known);
    return true;
}

std::string log_level() {
    auto const name = spdlog::level::to_string_view(spdlog::default_logger()->level());
    return {name.data(), name.size()};
}

request_scope::request_scope(std::string id) : outer_{std::exchange(request_id, std::move(id))} {}
request_scope::~request_scope() { request_id = std::move(outer_); }
std::string const& current_request_id() { return request_id; }

void log_request(request_event const& e) {
    auto const level = e.by_operator ? spdlog::level::debug : spdlog::level::info;
    if (!events || !events->should_log(level)) return;
    std::string const method = harmless(e.method), path = path_of(e.target);
    double const ms = std::chrono::duration<double, std::milli>(e.took).count();
    log_event(level,
              fmt::format("{} {} {} from {}, {} bytes in, {} out, {:.2f} ms", e.status, method, path, e.remote.empty() ? "-" : e.remote, e.bytes_in, e.bytes_out, ms),
              fmt::format(R"("event":"request","remote":{},"method":{},"path":{},"status":{},"bytes_in":{},"bytes_out":{},"ms":{:.3f})", quoted(e.remote),
                          quoted(method), quoted(path), e.status, e.bytes_in, e.bytes_out, ms));
}

void log_alert(observe::alert_event const& e) {
    if (!events) return;
    bool const is_raised = e.what == observe::alert_event::kind::raised;
    auto const& a = e.alert;
    std::string const value = json::decimal(a.value), threshold = json::decimal(a.threshold);
    log_event(is_raised ? spdlog::level::warn : spdlog::level::info,
              fmt::format("alert {}: {}{}{}, {} against a threshold of {}", is_raised ? "raised" : "cleared", name_of(a.type), a.peer_id.empty() ? "" : " of ", a.peer_id, value, threshold),
              fmt::format(R"("event":"alert","state":"{}","type":"{}","peer_id":{},"value":{},"threshold":{},"raised_at":"{}")", is_raised ? "raised" : "cleared", name_of(a.type),
                          a.peer_id.empty() ? "null" : quoted(a.peer_id), value, threshold, format_timestamp(a.raised_at)));
}

std::vector<logged_line> latest_lines(std::uint64_t after, std::size_t limit, std::string_view level) {
    auto const at_least = level_of(level);
    return memory && at_least ? memory->lines(after, limit, *at_least) : std::vector<logged_line>{};
}

}  // namespace bsp::server
