// Certificates for a test of TLS, made by the openssl program: an authority, a server and a client.
// SPDX-License-Identifier: Apache-2.0

import Foundation

package final class RedisCertificates: Sendable {
    private nonisolated(unsafe) let directory: TemporaryDirectory

    /// - Parameter names: Whom the server's certificate names, such as `IP:127.0.0.1` or `DNS:localhost`.
    package init(names: String = "IP:127.0.0.1,DNS:localhost") throws {
        directory = try TemporaryDirectory()
        try openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt")
        for who in ["server", "client"] {
            try openssl("req -newkey rsa:2048 -nodes -subj /CN=\(who) -keyout \(who).key -out \(who).csr")
            try directory.write(Array("subjectAltName=\(names)\n".utf8), "\(who).ext")
            try openssl(
                "x509 -req -in \(who).csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile \(who).ext -out \(who).crt")
        }
        try openssl("rsa -aes128 -passout pass:secret -in client.key -out locked.key")
    }

    package func remove() { directory.remove() }

    private func openssl(_ command: String) throws {
        let words = command.split(separator: " ").map { word in
            [".key", ".crt", ".csr", ".ext"].contains { word.hasSuffix($0) } ? directory.path(String(word)) : String(word)
        }
        try run("openssl", words)
    }

    package var authority: String { directory.path("ca.crt") }
    package var clientCertificate: String { directory.path("client.crt") }
    package var clientKey: String { directory.path("client.key") }

    /// The client's key under a passphrase.
    package var lockedKey: String { directory.path("locked.key") }

    var serverArguments: [String] {
        [
            "--tls-cert-file", directory.path("server.crt"), "--tls-key-file", directory.path("server.key"),
            "--tls-ca-cert-file", authority,
        ]
    }

    var clientArguments: [String] {
        ["--tls", "--cacert", authority, "--cert", clientCertificate, "--key", clientKey]
    }
}
