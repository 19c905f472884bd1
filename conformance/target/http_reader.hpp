#pragma once

#include <bsp/base/http.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace bsp::conformance {

/// Reads one HTTP/1.x answer from bytes that arrive in any pieces: Content-Length, chunked, or until the
/// end; interim answers (1xx) are passed over. Tolerant of bare line feeds; not of contradictory framing.
class http_reader {
public:
    explicit http_reader(bool without_body = false) : without_body_{without_body} {}

    enum class state { more, complete, garbage };

    state feed(std::string_view bytes);
    state end();  ///< the connection ended: completes an answer without a length

    [[nodiscard]] http_response const& response() const noexcept { return response_; }
    [[nodiscard]] http_response&& take() noexcept { return static_cast<http_response&&>(response_); }
    [[nodiscard]] bool keeps_alive() const noexcept { return keep_alive_; }
    [[nodiscard]] bool nothing_yet() const noexcept { return stage_ == stage::head && buffer_.empty(); }
    [[nodiscard]] bool head_complete() const noexcept { return stage_ != stage::head; }
    [[nodiscard]] std::string const& complaint() const noexcept { return complaint_; }

private:
    enum class stage { head, sized, chunk_size, chunk_data, chunk_end, trailer, until_end, done, failed };

    state advance();
    state read_head(std::string_view head);
    state give_up(std::string why);
    bool take_line(std::string& line);

    bool without_body_;
    stage stage_ = stage::head;
    std::string buffer_, complaint_;
    std::size_t left_ = 0;
    bool keep_alive_ = false;
    http_response response_;
};

}  // namespace bsp::conformance
