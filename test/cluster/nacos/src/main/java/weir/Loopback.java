package weir;

import io.grpc.ServerBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.ProtectionDomain;
import org.springframework.asm.ClassReader;
import org.springframework.asm.ClassVisitor;
import org.springframework.asm.ClassWriter;
import org.springframework.asm.MethodVisitor;
import org.springframework.asm.Opcodes;

/**
 * Keeps a server of tests away from the network: Nacos has no setting for the address of its gRPC servers, and listens on all. This
 * agent turns each {@code forPort} of Nacos and of its Raft library into the one below.
 */
public final class Loopback implements ClassFileTransformer {
  private static final String NETTY_BUILDER = "io/grpc/netty/shaded/io/grpc/netty/NettyServerBuilder";
  private static final String BUILDER = "io/grpc/ServerBuilder";

  public static void premain(String arguments, Instrumentation instrumentation) {
    instrumentation.addTransformer(new Loopback());
  }

  public static ServerBuilder<?> anyForPort(int port) {
    return forPort(port);
  }

  public static NettyServerBuilder forPort(int port) {
    return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
  }

  @Override
  public byte[] transform(
      ClassLoader loader, String name, Class<?> before, ProtectionDomain domain, byte[] bytes) {
    if (name == null || !(name.startsWith("com/alibaba/nacos/") || name.startsWith("com/alipay/"))) return null;
    ClassReader reader = new ClassReader(bytes);
    ClassWriter writer = new ClassWriter(reader, 0);
    Calls calls = new Calls(writer);
    reader.accept(calls, 0);
    return calls.found ? writer.toByteArray() : null;
  }

  private static final class Calls extends ClassVisitor {
    private boolean found;

    Calls(ClassVisitor next) {
      super(Opcodes.ASM9, next);
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String descriptor, String signature, String[] exceptions) {
      MethodVisitor next = super.visitMethod(access, name, descriptor, signature, exceptions);
      return new MethodVisitor(Opcodes.ASM9, next) {
        @Override
        public void visitMethodInsn(
            int opcode, String owner, String called, String type, boolean isInterface) {
          boolean isNetty = owner.equals(NETTY_BUILDER);
          if (called.equals("forPort") && (isNetty || owner.equals(BUILDER))) {
            found = true;
            super.visitMethodInsn(opcode, "weir/Loopback", isNetty ? "forPort" : "anyForPort", type, false);
          } else {
            super.visitMethodInsn(opcode, owner, called, type, isInterface);
          }
        }
      };
    }
  }
}
