#include "secure_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace bsp::server {
namespace {

[[noreturn]] void raise(std::filesystem::path const& path, char const* doing) {
    throw std::runtime_error{path.string() + " cannot be " + doing + ": " + std::strerror(errno)};
}

struct descriptor {
    int fd;
    ~descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

}  // namespace

std::optional<std::string> read_file(std::filesystem::path const& path) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) {
        if (ec) throw std::runtime_error{path.string() + " cannot be read: " + ec.message()};
        return std::nullopt;
    }
    errno = 0;
    std::ifstream in{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (!in.is_open() || in.bad() || std::filesystem::is_directory(path, ec)) raise(path, "read");
    return text;
}

std::string stamp_of(std::filesystem::path const& path) {
    struct stat s {};
    if (::stat(path.c_str(), &s) != 0) return {};
    return std::to_string(s.st_ino) + ' ' + std::to_string(s.st_size) + ' ' + std::to_string(s.st_mtim.tv_sec) + '.' + std::to_string(s.st_mtim.tv_nsec);
}

bool is_open_to_others(std::filesystem::path const& path) {
    struct stat s {};
    return ::stat(path.c_str(), &s) == 0 && (s.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

std::optional<std::string> read_private_file(std::filesystem::path const& path) {
    auto text = read_file(path);
    if (text && is_open_to_others(path))
        throw std::runtime_error{path.string() + " can be read by others than its owner; run: chmod 600 " + path.string()};
    return text;
}

void write_private_file(std::filesystem::path const& path, std::string_view text, bool replace) {
    std::filesystem::path const draft = path.string() + "." + std::to_string(::getpid()) + ".new";  // a server and a command may write at once
    {
        descriptor const file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (file.fd < 0) raise(draft, "created");
        if (::fchmod(file.fd, 0600) != 0) raise(draft, "protected");
        for (std::string_view rest = text; !rest.empty();) {
            ssize_t const n = ::write(file.fd, rest.data(), rest.size());
            if (n < 0 && errno != EINTR) raise(draft, "written");
            if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
        }
        if (::fsync(file.fd) != 0) raise(draft, "written");
    }
    // A link fails where a rename would replace.
    if (replace ? ::rename(draft.c_str(), path.c_str()) != 0 : ::link(draft.c_str(), path.c_str()) != 0) raise(path, "created");
    if (!replace) ::unlink(draft.c_str());
    descriptor const directory{::open(path.parent_path().empty() ? "." : path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.fd >= 0) ::fsync(directory.fd);
}

void remove_private_file(std::filesystem::path const& path) {
    // Out of the way first: who reads meanwhile finds it whole or not at all.
    std::filesystem::path const gone = path.string() + ".gone";
    if (::rename(path.c_str(), gone.c_str()) != 0 && errno != ENOENT) raise(path, "removed");
    if (descriptor const file{::open(gone.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)}; file.fd >= 0) {
        struct stat s {};
        std::string const nothing(::fstat(file.fd, &s) == 0 ? static_cast<std::size_t>(s.st_size) : 0, '\0');
        if (::write(file.fd, nothing.data(), nothing.size()) >= 0) ::fsync(file.fd);
    }
    if (::unlink(gone.c_str()) != 0 && errno != ENOENT) raise(path, "removed");
}

}  // namespace bsp::server
