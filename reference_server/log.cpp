#include "log.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace bsp::server {
namespace {

constexpr std::size_t logged_path_bytes_max = 200;

log_format current_format = log_format::text;
std::shared_ptr<spdlog::logger> requests;  ///< its messages are members of a JSON object when the format is JSON

std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string{text.data(), text.size()}); }

/// What a client sent, cut and made harmless: one line, printable ASCII.
std::string harmless(std::string_view text) {
    std::string out{text.substr(0, logged_path_bytes_max)};
    for (char& c : out)
        if (c <= ' ' || c > '~') c = '?';
    return out.empty() ? "-" : out;
}

class json_lines final : public spdlog::formatter {
public:
    void format(spdlog::details::log_msg const& message, spdlog::memory_buf_t& to) override {
        time_.format(message, to);
        std::string_view const text{message.payload.data(), message.payload.size()};
        bool const members = std::string_view{message.logger_name.data(), message.logger_name.size()} == "requests";
        fmt::format_to(std::back_inserter(to), "{}}}\n", members ? std::string{text} : "\"event\":\"message\",\"message\":" + quoted(text));
    }
    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_lines>(); }

private:
    spdlog::pattern_formatter time_{R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",)", spdlog::pattern_time_type::utc, ""};
};

}  // namespace

void start_log(log_format format, std::string const& level) {
    auto const sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    if (format == log_format::json) sink->set_formatter(std::make_unique<json_lines>());
    else sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc));
    current_format = format;
    auto const at = spdlog::level::from_str(level);
    requests = std::make_shared<spdlog::logger>("requests", sink);
    requests->set_level(at);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("bsp", sink));
    spdlog::set_level(at);
}

void log_request(request_event const& e) {
    if (!requests || !requests->should_log(spdlog::level::info)) return;
    std::string const path = harmless(e.target.substr(0, e.target.find('?')));
    double const ms = std::chrono::duration<double, std::milli>(e.took).count();
    if (current_format == log_format::json)
        requests->info(R"("event":"request","request_id":{},"remote":{},"method":{},"path":{},"status":{},"bytes_in":{},"bytes_out":{},"ms":{:.3f})",
                       quoted(e.id), quoted(e.remote), quoted(harmless(e.method)), quoted(path), e.status, e.bytes_in, e.bytes_out, ms);
    else
        requests->info("{} {} {} {} from {}, {} bytes in, {} out, {:.2f} ms", e.id, e.status, harmless(e.method), path, e.remote.empty() ? "-" : e.remote,
                       e.bytes_in, e.bytes_out, ms);
}

}  // namespace bsp::server
