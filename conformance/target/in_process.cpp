#include "target.hpp"

namespace bsp::conformance {
namespace {

class in_process_target final : public target {
public:
    explicit in_process_target(std::function<http_response(http_request const&, instant)> handler) : handler_{std::move(handler)} {}

    answer send(http_request const& request, std::chrono::milliseconds) override {
        auto const begin = std::chrono::steady_clock::now();
        http_request arrived{request.method, request.target, {}, request.body, "127.0.0.1"};
        if (!request.headers.find("Host")) arrived.headers.add("Host", authority_);
        for (auto const& [name, value] : request.headers)
            if (value != std::string(1, '\0')) arrived.headers.add(name, value);
        if (!arrived.headers.find("Content-Length") && !arrived.headers.find("Transfer-Encoding") && !arrived.body.empty())
            arrived.headers.add("Content-Length", std::to_string(arrived.body.size()));
        auto const since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        answer out;
        out.response = handler_(arrived, {since_epoch / 1'000'000'000, static_cast<std::uint32_t>(since_epoch % 1'000'000'000)});
        out.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
        return out;
    }

    raw_answer raw(std::string_view, std::chrono::milliseconds) override { return {fault::refused, "a backend in this process has no sockets", {}, false, {}}; }
    [[nodiscard]] bool has_sockets() const noexcept override { return false; }
    [[nodiscard]] std::string const& url() const noexcept override { return url_; }
    [[nodiscard]] std::string const& base_path() const noexcept override { return base_path_; }
    [[nodiscard]] std::string const& authority() const noexcept override { return authority_; }

private:
    std::function<http_response(http_request const&, instant)> handler_;
    std::string url_ = "http://localhost:8825", base_path_, authority_ = "localhost:8825";
};

}  // namespace

std::unique_ptr<target> in_process(std::function<http_response(http_request const&, instant now)> handler) {
    return std::make_unique<in_process_target>(std::move(handler));
}

}  // namespace bsp::conformance
